using System.Text;
using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Workers.Working;

/// <summary>
/// The gateway's span key, which signs permits: given by the operator, or pinned at first contact in <c>gateway.pin</c>, together with the log key. A key that the pinned log key, or one that
/// follows from it, has endorsed later takes the pinned one's place by itself; any other is refused until the operator has removed the file.
/// </summary>
internal sealed class ServerPin
{
    private readonly string _path;
    private readonly bool _isGiven;
    private GatewayPin? _pinned;

    /// <summary>Reads what is pinned.</summary>
    /// <param name="folder">The worker's data folder.</param>
    /// <param name="given">The operator's word, or null.</param>
    /// <exception cref="DataFolderException">The operator's word is no key, or the file is damaged.</exception>
    public ServerPin(DataFolder folder, string? given)
    {
        _path = Path.Combine(folder.Path, "gateway.pin");
        _isGiven = given is not null;
        if (given is not null && !IsKey(given))
        {
            throw new DataFolderException("LogLine:Worker:ServerKey must be the gateway's public span key, 64 hex characters ('curl GATEWAY/v1/keys', use span).");
        }
        _pinned = given is not null ? new GatewayPin(given.ToLowerInvariant(), null, 0) : File.Exists(_path) ? Read() : null;
    }

    /// <summary>The key, 32 bytes; null before the first contact.</summary>
    public byte[]? PublicKey => _pinned is { } pinned && DomainSignature.TryDecodePublicKey(pinned.Span, out var key) ? key : null;

    /// <summary>Takes in what a gateway says of itself when the worker comes.</summary>
    /// <param name="gateway">Its answer: <c>span_public_key</c>, <c>log_public_key</c>.</param>
    /// <param name="keys">Its <c>GET /v1/keys</c>.</param>
    /// <returns>Why it is not the one that is known, or null.</returns>
    public string? Meet(JsonElement gateway, JsonElement keys)
    {
        if (gateway.Text("span_public_key")?.ToLowerInvariant() is not { } said || !IsKey(said))
        {
            return "the gateway names no span key";
        }
        if (_pinned is null)
        {
            Keep(new GatewayPin(said, IsKey(gateway.Text("log_public_key")) ? gateway.Text("log_public_key") : null, From(keys, said)));
        }
        Follow(keys, said);
        return _pinned!.Span == said ? null
            : $"the gateway's span key is {said}, and not {_pinned.Span}, which is {(_isGiven ? "given" : "pinned")}, and no log key that is known has endorsed it since. If it was replaced on purpose, {(_isGiven ? "change LogLine:Worker:ServerKey" : $"remove {_path}")}";
    }

    /// <summary>
    /// Goes over to a span key, and to a log key, that follows from what is pinned. Never back: an endorsement says from which size of the log on its key signs, so a key that was replaced because
    /// it was stolen does not come in again with the endorsement that it once had.
    /// </summary>
    private void Follow(JsonElement keys, string said)
    {
        if (_pinned is not { Log: { } known } pinned || !DomainSignature.TryDecodePublicKey(known, out var log))
        {
            return;
        }
        var trusted = KeyEndorsement.LogKeysFrom(keys, log);
        var follows = pinned.Span != said && DomainSignature.TryDecodePublicKey(said, out var span) && KeyEndorsement.SpanKeyFrom(keys, trusted, span) is { } from && from > pinned.From
            ? pinned with { Span = said, From = from }
            : pinned;
        // The oldest that still signs: while two do, either may endorse.
        if (trusted.Select(Convert.ToHexStringLower).FirstOrDefault(key => keys.Items("keys").Any(item => item.Text("public_key") == key && item.Integer("until_tree_size") is null)) is { } signs)
        {
            follows = follows with { Log = signs };
        }
        if (follows != pinned)
        {
            Keep(follows);
        }
    }

    private static long From(JsonElement keys, string span) => keys.Items("keys").FirstOrDefault(key => key.Text("use") == "span" && key.Text("public_key") == span).Integer("from_tree_size") ?? 0;

    private static bool IsKey(string? text) => text is { Length: 64 } && DomainSignature.TryDecodePublicKey(text, out _);

    private void Keep(GatewayPin pinned)
    {
        if (!_isGiven)
        {
            PrivateFile.Write(_path, Encoding.UTF8.GetString(JsonBytes.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("span_key", pinned.Span);
                json.WriteNumber("from_tree_size", pinned.From);
                json.WriteString("log_key", pinned.Log);
                json.WriteEndObject();
            })) + "\n");
        }
        _pinned = pinned;
    }

    private GatewayPin Read() => CanonicalJson.TryRead(File.ReadAllBytes(_path), out var json, out _) && json.Root.Text("span_key") is { } span && IsKey(span) && json.Root.Integer("from_tree_size") is { } from
        ? new GatewayPin(span, json.Root.Text("log_key"), from)
        : throw new DataFolderException($"{_path} is damaged: it holds the gateway's keys as the worker first met them. Restore it, or remove it to pin them anew.");

    private sealed record GatewayPin(string Span, string? Log, long From);
}
