using System.Net;
using System.Text;
using LogLine.Cli.Settings;
using LogLine.Cli.Witness;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Merkle;

namespace LogLine.Cli.Tests.Witness;

/// <summary>A witness in this process, on a port of its own, with its record in a folder that outlives it.</summary>
internal sealed class RunningWitness : IAsyncDisposable
{
    private readonly LogWitness _witness;
    private readonly WitnessServer _server;

    private RunningWitness(LogWitness witness, WitnessServer server)
    {
        (_witness, _server) = (witness, server);
        Client = new HttpClient { BaseAddress = new Uri(server.Address) };
    }

    public HttpClient Client { get; }

    public string Url => _server.Address;

    public string Name => _witness.Name;

    public string VerifierKey => _witness.VerifierKey;

    public byte[] PublicKey => Cosignature.TryParseVerifierKey(VerifierKey, out _, out var key) ? key : throw new InvalidOperationException();

    public static async Task<RunningWitness> StartAsync(string folder, string name, params string[] logKeys)
    {
        var keyFile = Path.Combine(folder, name + ".pem");
        var isNew = !File.Exists(keyFile);
        if (isNew)
        {
            using var made = SigningKey.Generate();
            Assert.Null(KeyFile.Write(keyFile, made, overwrite: false));
        }
        Assert.False(KeyFile.Read(keyFile).Fails(out _, out var key));
        Assert.False(WitnessRecord.Open(Path.Combine(folder, name + ".state"), isNew, name, key!.PublicKey).Fails(out var failure, out var record), failure?.Message);
        var logs = logKeys.Select(vkey => SignedNote.TryParseVerifierKey(vkey, out var origin, out var publicKey) ? (Origin: origin, Key: publicKey) : throw new ArgumentException(vkey))
            .GroupBy(log => log.Origin).ToDictionary(log => log.Key, log => (IReadOnlyList<byte[]>)[.. log.Select(one => one.Key)]);
        var witness = new LogWitness(name, key, logs, record!, TimeProvider.System);
        return new RunningWitness(witness, await WitnessServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), witness, TestContext.Current.CancellationToken));
    }

    /// <summary>Asks for a cosignature; status, media type and body of the answer.</summary>
    public async Task<(int Status, string? Type, string Text)> AddAsync(string request) => await AddAsync(Client, Encoding.UTF8.GetBytes(request));

    public static async Task<(int Status, string? Type, string Text)> AddAsync(HttpClient client, byte[] request)
    {
        using var answer = await client.PostAsync("/add-checkpoint", new ByteArrayContent(request), TestContext.Current.CancellationToken);
        return ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.DisposeAsync();
        _witness.Dispose();
    }
}
