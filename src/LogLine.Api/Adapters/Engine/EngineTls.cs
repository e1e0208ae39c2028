using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// How an engine on another machine and this gateway know each other: <c>ca.pem</c> has signed the engine's certificate, <c>cert.pem</c> and <c>key.pem</c> are ours, in one folder as Docker's own
/// client has them. They are read at each connection, so that what is renewed holds from the next one on.
/// </summary>
/// <param name="Folder">The folder.</param>
/// <param name="Variable">The variable that names it, for messages.</param>
public sealed record EngineTls(string Folder, string Variable)
{
    /// <summary>Agrees on TLS with the engine at <paramref name="address"/>, whose certificate must be for that host.</summary>
    /// <exception cref="AdapterException">The files cannot be read, or either side does not trust the other.</exception>
    internal async Task<SslStream> OpenAsync(Stream connection, Uri address, CancellationToken cancel)
    {
        var secured = new SslStream(connection);
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(Path.Combine(Folder, "ca.pem"));
            using var own = X509Certificate2.CreateFromPemFile(Path.Combine(Folder, "cert.pem"), Path.Combine(Folder, "key.pem"));
            var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            trust.CustomTrustStore.AddRange(authorities);
            await secured.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = address.IdnHost,
                CertificateChainPolicy = trust,
                ClientCertificateContext = SslStreamCertificateContext.Create(own, null, offline: true),
            }, cancel);
            return secured;
        }
        catch (Exception e) when (e is AuthenticationException or CryptographicException or IOException or UnauthorizedAccessException)
        {
            await secured.DisposeAsync();
            throw new AdapterException(AdapterFailure.Unavailable, $"{address} and this gateway do not agree on TLS: {(e.InnerException ?? e).Message} {Variable} names a folder with ca.pem, cert.pem and key.pem; ca.pem must have signed the engine's certificate, for {address.Host}.", e);
        }
        catch
        {
            await secured.DisposeAsync();
            throw;
        }
    }
}
