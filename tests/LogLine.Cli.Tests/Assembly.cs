// File modes are what several tests are about.
[assembly: System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
