using LogLine.Api.Artifacts;

namespace LogLine.Api.Tests.Artifacts;

/// <summary>Folders for one piece of work: nobody else's, gone with it, and swept when whoever had it was killed.</summary>
public sealed class WorkFolderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("logline-folders-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Folder_IsItsOwnersAlone_AndGoesWithItsWork()
    {
        using (var folder = WorkFolder.Create(_root))
        {
            var file = folder.Write("env", "A=b"u8);
            Assert.Equal("A=b", File.ReadAllText(file));
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder.Path));
            }
        }
        Assert.Empty(Directory.EnumerateFileSystemEntries(_root));
    }

    [Fact]
    public void Sweep_RemovesWhatNobodyHolds_AndNothingElse()
    {
        using var held = WorkFolder.Create(_root);
        var file = held.Write("env", "A=b"u8);
        // What a killed process leaves: the folder, and a lock that is nobody's.
        var left = Directory.CreateDirectory(Path.Combine(_root, "logline-work-left")).FullName;
        File.WriteAllText(Path.Combine(left, "env"), "SECRET=x");
        File.WriteAllText(left + ".lock", "");
        File.WriteAllText(Path.Combine(_root, "somebody-elses"), "");

        WorkFolder.Sweep(_root);

        Assert.True(File.Exists(file));
        Assert.False(Directory.Exists(left));
        Assert.False(File.Exists(left + ".lock"));
        Assert.True(File.Exists(Path.Combine(_root, "somebody-elses")));
    }

    [Fact]
    public async Task ManyAtOnce_WhileSomebodySweeps_KeepTheirs()
    {
        using var over = new CancellationTokenSource();
        var sweeping = Task.Run(() =>
        {
            while (!over.IsCancellationRequested)
            {
                WorkFolder.Sweep(_root);
            }
        }, TestContext.Current.CancellationToken);
        await Parallel.ForEachAsync(Enumerable.Range(0, 500), TestContext.Current.CancellationToken, (number, _) =>
        {
            using var folder = WorkFolder.Create(_root);
            Assert.Equal($"{number}", File.ReadAllText(folder.Write("number", System.Text.Encoding.UTF8.GetBytes($"{number}"))));
            return ValueTask.CompletedTask;
        });
        await over.CancelAsync();
        await sweeping;
        Assert.Empty(Directory.EnumerateFileSystemEntries(_root));
    }
}
