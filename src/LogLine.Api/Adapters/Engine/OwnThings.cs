using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>Labels and names of a tenant's networks and volumes; those without our labels, or of another tenant, do not exist.</summary>
internal static class OwnThings
{
    public static bool IsOwn(IReadOnlyDictionary<string, string>? labels, string tenant) =>
        labels is not null && labels.GetValueOrDefault(EngineLabels.Tenant) == tenant && !string.IsNullOrEmpty(labels.GetValueOrDefault(EngineLabels.Name));

    public static bool IsOwn(IReadOnlyDictionary<string, string>? labels, PrimitiveCall call) =>
        IsOwn(labels, call.Tenant) && labels![EngineLabels.Name] == call.Name;

    /// <summary>True for what the call's own run has made.</summary>
    public static bool IsMade(IReadOnlyDictionary<string, string>? labels, PrimitiveCall call) =>
        IsOwn(labels, call) && labels!.GetValueOrDefault(EngineLabels.RunId) == call.RunId;

    public static string NameOf(PrimitiveCall call) => ContainerRequests.NameOf(call.Tenant, call.Name);

    /// <summary>The client's labels with ours.</summary>
    public static Dictionary<string, string> Labels(PrimitiveCall call, IReadOnlyDictionary<string, string> own) => new(own)
    {
        [EngineLabels.Tenant] = call.Tenant,
        [EngineLabels.Name] = call.Name,
        [EngineLabels.RunId] = call.RunId,
    };

    /// <summary>The label that finds the tenant's, as <c>name=value</c>.</summary>
    public static string Label(string tenant) => $"{EngineLabels.Tenant}={tenant}";

    public static AdapterException NotFound(string what, string name) => new(AdapterFailure.NotFound, $"There is no {what} '{name}'.");

    public static AdapterException Taken(string what, string name) =>
        new(AdapterFailure.NameTaken, $"There is a {what} '{name}' already, or the engine has another one under its name.");
}
