using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Runs;

/// <summary>One step of a plan. <paramref name="ContainerId"/> and <paramref name="RunId"/> name what is there already.</summary>
/// <param name="Action">check, create, remove, rename, start or stop.</param>
/// <param name="Why">A sentence for people.</param>
public sealed record DeployAction(string Action, string Why, string? ContainerId = null, string? RunId = null);

/// <summary>
/// What a deploy would do to what runs now (<c>deploy.plan</c>). Made of the manifest and the engine's truth alone, so the same question against the same
/// state has the same plan, to the byte.
/// </summary>
public sealed record DeployPlan
{
    private CanonicalJson? _body;

    /// <summary>What is to run.</summary>
    public required DeployWish Wish { get; init; }

    /// <summary>How it gets there.</summary>
    public required DeployStrategy Strategy { get; init; }

    /// <summary>The container that has the service's place, or null.</summary>
    public Workload? Current { get; init; }

    /// <summary>The live run of the service, or null.</summary>
    public RunRow? Live { get; init; }

    /// <summary>Manifest of what runs there now, or null.</summary>
    public SignedManifest? Running { get; init; }

    /// <summary>Hash of what was looked at: container, its state, ref and image, and the service's run.</summary>
    public string Observed => ContentHash.Of(CanonicalJson.Compose(WriteCurrent).Utf8.Span);

    /// <summary>Hash of the whole plan, what was observed included: two equal digests do the same to the same.</summary>
    public string Digest => ContentHash.Of(Body.Utf8.Span);

    /// <summary>The course that its run follows.</summary>
    public DeployCourse Course => field ??= Strategy is DeployStrategy.Beside or DeployStrategy.Recreate
        ? new DeployCourse(Strategy, Wish.GoesBack, Current!.Id, Live is not null && Live.RunId == Current.RunId ? Live.RunId : null)
        : new DeployCourse(Strategy, Wish.GoesBack, null, null);

    /// <summary>The plan as a client gets it: <c>{ref, target, strategy, changes, gap, actions[], diff[], current, observed, plan_digest, …}</c>.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        foreach (var member in Body.Root.EnumerateObject())
        {
            member.WriteTo(json);
        }
        json.WriteString("plan_digest", Digest);
    }

    private CanonicalJson Body => _body ??= CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString("ref", Wish.Ref);
        json.WritePropertyName("target");
        Wish.Target.WriteTo(json);
        json.WriteBoolean("rollback_on_failure", Wish.GoesBack);
        json.WriteString("strategy", DeployCourse.Name(Strategy));
        json.WriteBoolean("changes", Strategy != DeployStrategy.Unchanged);
        json.WriteBoolean("gap", Strategy == DeployStrategy.Recreate);
        json.WriteStartArray("actions");
        foreach (var action in DeployPlanner.Actions(this))
        {
            Write(json, action);
        }
        json.WriteEndArray();
        json.WriteStartArray("diff");
        foreach (var change in Strategy == DeployStrategy.Unchanged ? [] : DeployChange.Between(Running, Wish.Manifest))
        {
            change.WriteTo(json);
        }
        json.WriteEndArray();
        json.WritePropertyName("current");
        WriteCurrent(json);
        json.WriteString("observed", Observed);
        json.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter json, DeployAction action)
    {
        json.WriteStartObject();
        json.WriteString("action", action.Action);
        if (action.ContainerId is not null)
        {
            json.WriteString("container_id", action.ContainerId);
        }
        if (action.RunId is not null)
        {
            json.WriteString("run_id", action.RunId);
        }
        json.WriteString("why", action.Why);
        json.WriteEndObject();
    }

    private void WriteCurrent(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("run_id", Live?.RunId);
        json.WriteString("container_id", Current?.Id);
        json.WriteString("state", ContainerLifecycle.Name(Current?.State));
        json.WriteString("ref", Current?.Ref);
        json.WriteString("image_digest", Current?.ImageDigest);
        json.WriteEndObject();
    }
}
