using LogLine.Api.Ledger;
using LogLine.Api.Policy;

namespace LogLine.Api.Delivery.Webhooks;

/// <summary>What webhooks need to be put together.</summary>
internal static class WebhookRoom
{
    public static void AddWebhooks(this IServiceCollection services, WebhookPolicy policy)
    {
        services.AddSingleton(policy);
        services.AddSingleton<RetrySchedule>();
        services.AddSingleton(_ => new WebhookDialer(policy));
        services.AddSingleton(provider => new WebhookSecrets(provider.GetRequiredService<SpanLedger>().Identity.WebhookKey));
        services.AddSingleton(provider => new WebhookSender(
            policy, provider.GetRequiredService<WebhookDialer>(), provider.GetRequiredService<SpanLedger>().Identity.WebhookKey, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<CourierTools>();
        services.AddHostedService<WebhookOffice>();
    }
}
