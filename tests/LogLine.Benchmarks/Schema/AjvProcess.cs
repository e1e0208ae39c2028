using System.Diagnostics;
using System.Globalization;
using LogLine.Benchmarks.Servers;

namespace LogLine.Benchmarks.Schema;

/// <summary>ajv in a Node process beside this one (<c>ajv.mjs</c>), asked for one slice of work at a time.</summary>
internal sealed class AjvProcess : IDisposable
{
    private readonly Process _node;

    private AjvProcess(Process node) => _node = node;

    /// <summary>What to do where it is not installed.</summary>
    public const string Missing = "the npm packages of tests/openapi are not installed; tests/run installs them.";

    /// <summary>Compiles the schemas and warms up; null where ajv is not installed.</summary>
    /// <param name="examples">How many examples the catalogue must have there as here.</param>
    public static AjvProcess? TryStart(int examples)
    {
        var folder = Checkout.At("tests", "openapi");
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "ajv-formats")))
        {
            return null;
        }
        var node = Process.Start(new ProcessStartInfo("node", [Path.Combine(AppContext.BaseDirectory, "Schema", "ajv.mjs"), Checkout.At("schemas")])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        });
        var ajv = new AjvProcess(node ?? throw new InvalidOperationException("node did not start."));
        var said = ajv.Line();
        return said == $"{examples} examples" ? ajv : throw new InvalidOperationException($"ajv has other examples than the {examples} here: {said}");
    }

    /// <summary>Nanoseconds of processor time for one piece of work.</summary>
    /// <param name="work">Its name in <c>ajv.mjs</c>.</param>
    public double Nanoseconds(string work)
    {
        _node.StandardInput.WriteLine(work);
        _node.StandardInput.Flush();
        return double.Parse(Line(), CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _node.StandardInput.Close();
        _node.WaitForExit();
        _node.Dispose();
    }

    private string Line() => _node.StandardOutput.ReadLine() ?? throw new InvalidOperationException("ajv ended early; what it said stands above.");
}
