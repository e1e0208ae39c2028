using System.Text;

namespace LogLine.Protocol.Json;

/// <summary>Normalisation needs real Unicode data (contract, section 1).</summary>
public static class UnicodeData
{
    /// <summary>Throws when the runtime cannot normalise, as in invariant globalisation mode, where it silently does nothing.</summary>
    /// <exception cref="PlatformNotSupportedException">ICU is missing; the message says what to install.</exception>
    public static void Require()
    {
        if ("e\u0301".Normalize(NormalizationForm.FormC) != "\u00e9")
        {
            throw new PlatformNotSupportedException(
                "Unicode normalisation does not work here: install ICU ('apt-get install libicu72' on Debian 12, 'libicu-dev' brings the right one elsewhere) "
                + "and leave DOTNET_SYSTEM_GLOBALIZATION_INVARIANT unset.");
        }
    }
}
