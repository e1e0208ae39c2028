using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;

namespace LogLine.Cli.Commands;

/// <summary>One run of one command: what was typed, what is in force, where to speak.</summary>
internal sealed class Call(Shell shell, Screen screen, HomeFolder home, ConnectionFlags flags, ParseResult parse, CancellationToken stop)
{
    public Shell Shell => shell;

    public Screen Screen => screen;

    public HomeFolder Home => home;

    public ConnectionFlags Flags => flags;

    /// <summary>Ctrl-C, or nobody reads the output any more.</summary>
    public CancellationToken Stop => stop;

    /// <summary>Said when Ctrl-C ends the command: how to go on.</summary>
    public Func<string?> Resume { get; set; } = () => null;

    public T? Get<T>(Option<T> option) => parse.GetValue(option);

    public T Get<T>(Argument<T> argument) where T : notnull => parse.GetRequiredValue(argument);

    /// <summary>An argument that may be left out.</summary>
    public T? GetOptional<T>(Argument<T?> argument) => parse.GetValue(argument);

    /// <summary>Says what does not hold, after a result that shows it in full.</summary>
    /// <returns>The exit code.</returns>
    public int Fail(string fault)
    {
        screen.Note($"logline: {fault} [verification]", Tone.Bad);
        return ExitCodes.Failed;
    }

    /// <summary>Says something beside the result.</summary>
    public void Note(string text) => screen.Note(text);

    public Attempt<ConnectionSettings> Connection() => ConnectionSettings.Resolve(home, flags, shell.Variable);

    /// <summary>The gateway, for reading.</summary>
    public Attempt<GatewayClient> OpenGateway() =>
        Connection().Fails(out var failure, out var connection) ? failure : GatewayClient.Open(connection, shell, Note);

    /// <summary>Gateway, key and archive, for writing.</summary>
    public Attempt<SpanSender> Sender(ConnectionSettings connection)
    {
        if (connection.Signer().Fails(out var failure, out var signer))
        {
            return failure;
        }
        if (GatewayClient.Open(connection, shell, Note).Fails(out failure, out var gateway))
        {
            signer.Dispose();
            return failure;
        }
        return new SpanSender(gateway, signer, Receipts(connection), shell, Note);
    }

    /// <summary>Writes once; signed when the profile has a key, since a token alone can write too.</summary>
    public Task<Attempt<JsonElement>> WriteAsync(SpanSubmission submission) => WriteAsync((gateway, signer) => gateway.SubmitAsync(submission, signer, Stop));

    /// <summary>Uploads an artifact; signed likewise.</summary>
    public Task<Attempt<JsonElement>> UploadAsync(string hash, Stream content) => WriteAsync((gateway, signer) => gateway.UploadAsync(hash, content, signer, Stop));

    private async Task<Attempt<JsonElement>> WriteAsync(Func<GatewayClient, ProfileSigner?, Task<Attempt<JsonElement>>> writeAsync)
    {
        if (Connection().Fails(out var failure, out var connection) || GatewayClient.Open(connection, shell, Note).Fails(out failure, out var gateway))
        {
            return failure;
        }
        using var opened = gateway;
        using var signer = connection.Signer().Fails(out _, out var key) ? null : key;
        return await writeAsync(gateway, signer);
    }

    /// <summary>Where this profile's receipts are kept.</summary>
    public ReceiptArchive Receipts(ConnectionSettings connection) => new(home, connection.ProfileName);
}
