using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>A real engine behind TLS that both sides have to trust, as one on another machine is.</summary>
public sealed class EngineTlsTests
{
    static CancellationToken Cancel => EngineLab.Cancel;

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task Engine_IsUsedOverTls_AndACommandsInputEndsWhileItsOutputGoesOn(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        await using var tls = new TlsEngine(lab.Endpoint);
        using var client = new EngineClient(tls.Endpoint(provider), EngineLimits.Default, TimeProvider.System, RegistryCredentials.Of([]));
        using var adapter = new EngineAdapter(tls.Endpoint(provider), TimeProvider.System);
        var started = await lab.StartedAsync(lab.Spec());

        var said = new MemoryStream();
        var input = Encoding.UTF8.GetBytes(new string('x', 100_000) + "\nlast");
        var order = new ExecOrder(started.Id, new ExecRequest { Cmd = ["/bin/cat"], AttachStdin = true }, input, TimeSpan.FromMinutes(1), () => Task.CompletedTask);
        var outcome = await client.ExecAsync(order, (_, piece) => said.Write(piece.Span), Cancel);

        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(input, said.ToArray());
        Assert.Equal(started.Id, (await adapter.FindByNameAsync(lab.Tenant, "web", Cancel))?.Id);
        Assert.True((await adapter.StatusAsync(Cancel)).Available);
    }

    [Fact]
    public async Task EngineOfAnotherAuthority_IsNotSpokenTo()
    {
        await using var lab = EngineLab.Open("docker");
        await using var tls = new TlsEngine(lab.Endpoint);
        await using var other = new TlsEngine(lab.Endpoint);
        using var adapter = new EngineAdapter(tls.Endpoint("docker") with { Tls = other.Trust }, TimeProvider.System);
        var status = await adapter.StatusAsync(Cancel);
        Assert.False(status.Available);
        Assert.Contains("do not agree on TLS", status.Reason);
        Assert.Contains("DOCKER_CERT_PATH", status.Reason);
        Assert.Equal(0, tls.Trusted);
    }

    [Fact]
    public async Task CertificateForAnotherHost_IsNotSpokenTo()
    {
        await using var lab = EngineLab.Open("docker");
        await using var tls = new TlsEngine(lab.Endpoint, host: "elsewhere.example");
        using var adapter = new EngineAdapter(tls.Endpoint("docker"), TimeProvider.System);
        Assert.Contains("do not agree on TLS", (await adapter.StatusAsync(Cancel)).Reason);
    }

    [Fact]
    public async Task FilesThatAreNotThere_AreNamed()
    {
        var endpoint = EngineEndpoints.Discover(name => name switch
        {
            "CONTAINER_HOST" => "tcp://127.0.0.1:1", "DOCKER_HOST" => "tcp://127.0.0.1:1", "DOCKER_TLS_VERIFY" => "1", "DOCKER_CERT_PATH" => "/no/such/folder", _ => null,
        });
        Assert.Null(endpoint[0].Tls);
        Assert.Equal("/no/such/folder", endpoint[1].Tls?.Folder);

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var adapter = new EngineAdapter(endpoint[1] with { Candidates = [new Uri($"tcp://{listener.LocalEndpoint}")] }, TimeProvider.System);
        var status = await adapter.StatusAsync(Cancel);
        Assert.Contains("/no/such/folder/ca.pem", status.Reason);
    }

    /// <summary>Stands before an engine's socket as <c>dockerd --tlsverify</c> does, with an authority of its own that has signed both sides.</summary>
    sealed class TlsEngine : IAsyncDisposable
    {
        readonly string engine;
        readonly string folder = Directory.CreateTempSubdirectory("lltls").FullName;
        readonly TcpListener listener = new(IPAddress.Loopback, 0);
        readonly CancellationTokenSource stop = new();
        readonly X509Certificate2 authority;
        readonly X509Certificate2 own;
        readonly Task accepting;

        public TlsEngine(EngineEndpoint engine, string host = "127.0.0.1")
        {
            this.engine = engine.Current()!.LocalPath;
            using var key = RSA.Create(2048);
            authority = Request("CN=authority", key, isAuthority: true).CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
            using (var signed = Signed("CN=" + host, host))
                own = X509CertificateLoader.LoadPkcs12(signed.Export(X509ContentType.Pkcs12), null); // a key that TLS on every system takes
            using var client = Signed("CN=gateway", null);
            File.WriteAllText(Path.Combine(folder, "ca.pem"), authority.ExportCertificatePem());
            File.WriteAllText(Path.Combine(folder, "cert.pem"), client.ExportCertificatePem());
            File.WriteAllText(Path.Combine(folder, "key.pem"), client.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
            listener.Start();
            accepting = AcceptAsync();
        }

        /// <summary>Connections of clients that it trusted and that trusted it.</summary>
        public int Trusted;

        public EngineTls Trust => new(folder, "DOCKER_CERT_PATH");

        public EngineEndpoint Endpoint(string provider) => EngineEndpoints.At(provider, $"tcp://{listener.LocalEndpoint}") with { Tls = Trust };

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            listener.Dispose();
            await accepting;
            authority.Dispose();
            own.Dispose();
            Directory.Delete(folder, recursive: true);
        }

        static CertificateRequest Request(string name, RSA key, bool isAuthority)
        {
            var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
            return request;
        }

        X509Certificate2 Signed(string name, string? host)
        {
            using var key = RSA.Create(2048);
            var request = Request(name, key, isAuthority: false);
            var names = new SubjectAlternativeNameBuilder();
            if (IPAddress.TryParse(host, out var address))
                names.AddIpAddress(address);
            else
                names.AddDnsName(host ?? "gateway");
            request.CertificateExtensions.Add(names.Build());
            using var signed = request.Create(authority, DateTimeOffset.UtcNow.AddMinutes(-30), DateTimeOffset.UtcNow.AddMinutes(30), [1, .. RandomNumberGenerator.GetBytes(8)]); // a serial number begins with no zero and is not negative
            return signed.CopyWithPrivateKey(key);
        }

        async Task AcceptAsync()
        {
            var connections = new List<Task>();
            try
            {
                while (true)
                    connections.Add(ServeAsync(await listener.AcceptTcpClientAsync(stop.Token)));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                await Task.WhenAll(connections);
            }
        }

        async Task ServeAsync(TcpClient caller)
        {
            using (caller)
            await using (var secured = new SslStream(caller.GetStream()))
            {
                try
                {
                    var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
                    policy.CustomTrustStore.Add(authority);
                    await secured.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = own, ClientCertificateRequired = true, CertificateChainPolicy = policy }, stop.Token);
                    using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(engine), stop.Token);
                    Interlocked.Increment(ref Trusted);
                    await using var stream = new NetworkStream(socket);
                    await Task.WhenAll(ForwardAsync(secured, stream, () => socket.Shutdown(SocketShutdown.Send)), ForwardAsync(stream, secured, caller.Close));
                }
                catch (Exception e) when (e is IOException or SocketException or System.Security.Authentication.AuthenticationException or OperationCanceledException or ObjectDisposedException)
                {
                    // Not trusted, or one side went.
                }
            }
        }

        async Task ForwardAsync(Stream from, Stream to, Action end)
        {
            await from.CopyToAsync(to, stop.Token);
            await to.FlushAsync(stop.Token);
            end();
        }
    }
}
