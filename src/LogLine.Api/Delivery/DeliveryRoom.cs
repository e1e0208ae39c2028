using LogLine.Api.Delivery.Reading;
using LogLine.Api.Delivery.State;
using LogLine.Api.Delivery.Streams;
using LogLine.Api.Delivery.Witnesses;

namespace LogLine.Api.Delivery;

/// <summary>What this room needs to be put together.</summary>
internal static class DeliveryRoom
{
    public static void AddDelivery(this IServiceCollection services, StreamOptions streams, WitnessOptions witnesses)
    {
        services.AddSingleton(streams);
        services.AddSingleton<LiveTail>();
        services.AddHostedService(provider => provider.GetRequiredService<LiveTail>());
        services.AddSingleton<SpanReader>();
        services.AddSingleton<StateRules>();
        services.AddSingleton<StateViews>();
        services.AddSingleton<StreamSeats>();
        services.AddSingleton<LogSeats>();
        services.AddSingleton<StreamTickets>();
        services.AddSingleton<StreamDoor>();
        services.AddSingleton<StreamSession>();
        services.AddSingleton(witnesses);
        services.AddSingleton<WitnessRounds>();
        services.AddHostedService(provider => provider.GetRequiredService<WitnessRounds>());
    }
}
