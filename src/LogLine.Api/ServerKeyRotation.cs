using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Postgres;

namespace LogLine.Api;

/// <summary>
/// <c>LogLine.Api rotate-key log|span [prepare|finish] --data DIR</c>: replaces a key of the gateway (docs/operations.md). On the embedded store with the gateway stopped: interrupted at any
/// moment, the next start of the gateway, or the same command again, goes on where it was. On a ledger that gateways share they go on, and change over at one entry.
/// </summary>
internal static class ServerKeyRotation
{
    public const string Name = "rotate-key";

    private const string Usage = "logline-api: rotate-key log | rotate-key log finish | rotate-key span, each with --data DIR; first, where gateways share a ledger: rotate-key log prepare | rotate-key span prepare";

    public static async Task<int> RunAsync(string[] args)
    {
        var words = args.Skip(1).TakeWhile(word => !word.StartsWith('-')).ToArray();
        if (words is not ([_] or ["log", "finish"] or [_, "prepare"]) || words[0] is not ("log" or "span"))
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }
        string[] settings = ["--Serilog:MinimumLevel:Default=Error", .. args.Skip(1 + words.Length)];
        var builder = GatewayHost.CreateBuilder(settings, out var options);
        var keys = options.Store == "sqlite" ? await AloneAsync(settings, words) : await SharedAsync(builder.Configuration, options, words);
        foreach (var key in keys.Where(key => key.Use == words[0]))
        {
            Console.WriteLine($"{key.Kid}  {(key.Use == "log" ? "checkpoints of more than" : "spans from index")} {key.From}{(key.Until is { } until ? $" up to {until}" : "")}  {Convert.ToHexStringLower(key.PublicKey)}");
        }
        return 0;
    }

    private static async Task<IReadOnlyList<ServerKeyRecord>> AloneAsync(string[] settings, string[] words)
    {
        await using var app = GatewayProgram.Build(settings);
        var folder = app.Services.GetRequiredService<DataFolder>();
        if (words is [_, "prepare"])
        {
            throw new DataFolderException("'prepare' makes a key that gateways which share a ledger are handed before it signs. This ledger has one gateway: leave the word out.");
        }
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
        return ledger.Identity.Keys;
    }

    /// <summary>The folder is not taken: its gateway goes on, and finds in the database that the keys have changed.</summary>
    private static async Task<IReadOnlyList<ServerKeyRecord>> SharedAsync(ConfigurationManager configuration, GatewayOptions options, string[] words)
    {
        var keys = Path.Combine(Path.GetFullPath(options.Data), DataFolder.KeysName);
        if (words is [var use, "prepare"])
        {
            ServerKeys.Prepare(keys, use);
            Console.WriteLine($"{Path.Combine(keys, use + ".next.key")} is made and signs nothing yet. Copy it into 'keys' of every other gateway, then: rotate-key {use}");
            return [];
        }
        return await PostgresLedger.ReplaceKeyAsync(OpenedLedger.ConnectionTo(configuration), keys, words[0], finish: words.Length == 2, TimeProvider.System);
    }
}
