using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Api.Workers.Working;

/// <summary>
/// The gateway's span key, which signs permits: given by the operator, or pinned at first contact in <c>gateway.pin</c>. Another key is refused until the operator has removed the file; so it is
/// after the gateway's key was replaced.
/// </summary>
internal sealed class ServerPin
{
    private readonly string _path;
    private string? _key;

    /// <summary>Reads what is pinned.</summary>
    /// <param name="folder">The worker's data folder.</param>
    /// <param name="given">The operator's word, or null.</param>
    /// <exception cref="DataFolderException">The operator's word is no key.</exception>
    public ServerPin(DataFolder folder, string? given)
    {
        _path = Path.Combine(folder.Path, "gateway.pin");
        if (given is not null && !(given.Length == 64 && DomainSignature.TryDecodePublicKey(given, out _)))
        {
            throw new DataFolderException("LogLine:Worker:ServerKey must be the gateway's public span key, 64 hex characters ('curl GATEWAY/v1/keys', use span).");
        }
        _key = given?.ToLowerInvariant() ?? (File.Exists(_path) ? File.ReadAllText(_path).Trim() : null);
    }

    /// <summary>The key, 32 bytes; null before the first contact.</summary>
    public byte[]? PublicKey => _key is { } hex && DomainSignature.TryDecodePublicKey(hex, out var key) ? key : null;

    /// <summary>Takes in what a gateway says of itself when the worker comes.</summary>
    /// <returns>Why it is not the one that is known, or null.</returns>
    public string? Meet(JsonElement gateway)
    {
        if (gateway.Text("span_public_key") is not { Length: 64 } said || !DomainSignature.TryDecodePublicKey(said, out _))
        {
            return "the gateway names no span key";
        }
        if (_key is null)
        {
            PrivateFile.Write(_path, said + "\n");
            _key = said;
        }
        return _key == said ? null : $"the gateway's span key is {said}, and not {_key}, which is pinned. If it was replaced on purpose, remove {_path} (or change LogLine:Worker:ServerKey)";
    }
}
