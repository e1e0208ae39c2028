using LogLine.Api.Delivery.Reading;
using LogLine.Api.Delivery.Streams;
using LogLine.Api.Delivery.Webhooks;
using LogLine.Api.Ledger;
using LogLine.Api.Policy;

namespace LogLine.Api.Delivery;

/// <summary>What this room needs to be put together.</summary>
internal static class DeliveryRoom
{
    public static void AddDelivery(this IServiceCollection services, StreamOptions streams, WebhookPolicy webhooks)
    {
        services.AddSingleton(streams);
        services.AddSingleton<LiveTail>();
        services.AddHostedService(provider => provider.GetRequiredService<LiveTail>());
        services.AddSingleton<SpanReader>();
        services.AddSingleton<StreamSeats>();
        services.AddSingleton<StreamDoor>();
        services.AddSingleton<StreamSession>();
        services.AddSingleton(webhooks);
        services.AddSingleton<RetrySchedule>();
        services.AddSingleton(_ => new WebhookDialer(webhooks));
        services.AddSingleton(provider => new WebhookSecrets(provider.GetRequiredService<SpanLedger>().Identity.WebhookKey));
        services.AddSingleton(provider => new WebhookSender(
            webhooks, provider.GetRequiredService<WebhookDialer>(), provider.GetRequiredService<SpanLedger>().Identity.WebhookKey, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<CourierTools>();
        services.AddHostedService<WebhookOffice>();
    }
}
