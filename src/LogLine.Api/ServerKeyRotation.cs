using LogLine.Api.Ledger;

namespace LogLine.Api;

/// <summary>
/// <c>LogLine.Api rotate-key log|span [finish] --data DIR</c>: replaces a key of the gateway, with the gateway stopped (docs/operations.md). Interrupted at any moment, the
/// next start of the gateway, or the same command again, goes on where it was.
/// </summary>
internal static class ServerKeyRotation
{
    public const string Name = "rotate-key";

    private const string Usage = "logline-api: rotate-key log | rotate-key log finish | rotate-key span, each with --data DIR";

    public static async Task<int> RunAsync(string[] args)
    {
        var words = args.Skip(1).TakeWhile(word => !word.StartsWith('-')).ToArray();
        if (words is not (["log"] or ["span"] or ["log", "finish"]))
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }
        await using var app = GatewayProgram.Build(["--Serilog:MinimumLevel:Default=Error", .. args.Skip(1 + words.Length)]);
        if (app.Services.GetRequiredService<GatewayOptions>().Store != "sqlite")
        {
            throw new DataFolderException("The keys of a ledger that gateways share cannot be replaced yet: each gateway would have to change over at the same entry.");
        }
        var folder = app.Services.GetRequiredService<DataFolder>();
        if (!Directory.EnumerateFiles(folder.Keys, "*.key").Any())
        {
            throw new DataFolderException($"{folder.Path} holds no ledger yet: there is no key to replace.");
        }
        if (words.Length == 1)
        {
            ServerKeys.Prepare(folder.Keys, words[0]);
        }
        await app.PrepareAsync();
        var ledger = app.Services.GetRequiredService<SpanLedger>();
        if (words.Length == 2)
        {
            ledger.FinishLogKey();
        }
        foreach (var key in ledger.Identity.Keys.Where(key => key.Use == words[0]))
        {
            Console.WriteLine($"{key.Kid}  {(key.Use == "log" ? "checkpoints of more than" : "spans from index")} {key.From}{(key.Until is { } until ? $" up to {until}" : "")}  {Convert.ToHexStringLower(key.PublicKey)}");
        }
        return 0;
    }
}
