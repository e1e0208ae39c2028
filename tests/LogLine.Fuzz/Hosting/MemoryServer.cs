using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace LogLine.Fuzz.Hosting;

/// <summary>A server without a network: the application gets requests from the caller's own thread.</summary>
internal sealed class MemoryServer : IServer
{
    private Func<IFeatureCollection, Task> _process = _ => throw new InvalidOperationException("The application has not started.");

    public IFeatureCollection Features { get; } = new FeatureCollection();

    /// <summary>Gives the application a request; its features hold the answer afterwards.</summary>
    public Task ProcessAsync(IFeatureCollection request) => _process(request);

    public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken) where TContext : notnull
    {
        _process = request => ProcessAsync(application, request);
        return Task.CompletedTask;
    }

    private static async Task ProcessAsync<TContext>(IHttpApplication<TContext> application, IFeatureCollection request) where TContext : notnull
    {
        var context = application.CreateContext(request);
        Exception? thrown = null;
        try
        {
            await application.ProcessRequestAsync(context);
        }
        catch (Exception defect)
        {
            thrown = defect;
            throw;
        }
        finally
        {
            application.DisposeContext(context, thrown);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
    }
}
