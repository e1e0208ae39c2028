using System.CommandLine;
using LogLine.Protocol.Crypto;

namespace LogLine.Cli.Commands.Ledger;

/// <summary>Which ledger is meant: an export, a data folder, or else the gateway in use.</summary>
internal sealed class SourceOptions
{
    private readonly Argument<string> _file = new("FILE") { Description = "An export; - is standard input.", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = _ => "" };
    private readonly Option<string?> _data = new("--data") { HelpName = "DIR", Description = "A gateway's data folder, or a backup of one; the gateway may be running." };
    private readonly Option<string?> _key = new("--key") { HelpName = "KEY", Description = "The log's public key: 64 hex characters or base64 [the profile's; with --data the folder's own]." };

    /// <param name="exports">Whether an export can be meant.</param>
    public SourceOptions(bool exports = true) => Symbols = exports ? [_file, _data, _key] : [_data, _key];

    public Symbol[] Symbols { get; }

    /// <summary>The data folder that was named, or null.</summary>
    public string? Data(Call call) => call.Get(_data);

    /// <summary>Opens what is meant.</summary>
    public async Task<Attempt<LedgerSource>> OpenAsync(Call call)
    {
        var (file, data, key) = (Symbols.Contains(_file) && call.Get(_file) is { Length: > 0 } named ? named : null, call.Get(_data), call.Get(_key));
        if (file is not null && data is not null)
        {
            return CommandFailure.Usage("Name an export or a data folder, and not both.");
        }
        if (data is not null)
        {
            byte[]? given = null;
            return key is not null && !DomainSignature.TryDecodePublicKey(key, out given)
                ? CommandFailure.Usage($"'{key}' is no public key: 64 hex characters, or the base64 of 32 bytes.")
                : LedgerSource.OfFolder(data, given);
        }
        if (call.Connection().Fails(out var failure, out var connection) || connection.LogKey(key).Fails(out failure, out var logKey))
        {
            return failure;
        }
        if (file is not null)
        {
            return await LedgerSource.OfFileAsync(file, logKey, call);
        }
        return call.OpenGateway().Fails(out failure, out var gateway) ? failure : await LedgerSource.OfGatewayAsync(gateway, logKey, call.Stop);
    }
}
