using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Delivery.State;

/// <summary>
/// What is deployed where, from the states of a MiniContainer's runs: for every target the run that serves there, or served last, and the one that is
/// to take its place.
/// </summary>
internal sealed class Deployments
{
    private readonly StateList _targets = new();
    private readonly Dictionary<string, string> _targetOf = new(StringComparer.Ordinal);

    /// <summary>True when there is more than is kept.</summary>
    public bool Truncated => _targets.Truncated;

    /// <summary>True when nothing was ever planned.</summary>
    public bool IsEmpty => !_targets.Items.Any();

    /// <summary>Takes one more state of a run into account.</summary>
    public void Apply(string intent, JsonElement payload, string at)
    {
        if (payload.Text("run_id") is not { } run)
        {
            return;
        }
        if (intent == "deploy.planned")
        {
            Plan(run, payload, at);
        }
        else if (_targetOf.TryGetValue(run, out var target) && _targets.Find(target)?.Copy() is { } deployment)
        {
            Move(deployment, run, intent, payload, at);
            _targets.Put(target, deployment);
        }
    }

    /// <summary>The deployments as an array.</summary>
    public void WriteTo(Utf8JsonWriter json) => _targets.WriteTo(json);

    private void Plan(string run, JsonElement payload, string at)
    {
        var target = payload.Member("target").GetRawText();
        var deployment = _targets.Find(target)?.Copy() ?? new StateFields();
        if (Next(deployment) is { } given)
        {
            _targetOf.Remove(given);
        }
        deployment.Set("target", payload.Member("target").Clone());
        deployment.Set("next", JsonSerializer.SerializeToElement(new Dictionary<string, string?> { ["run_id"] = run, ["ref"] = payload.Text("ref"), ["state"] = "planned", ["since"] = at }));
        _targetOf[run] = target;
        _targets.Put(target, deployment);
        if (_targetOf.Count > 4 * StateList.MaxItems)
        {
            // Only runs of targets that are kept count.
            foreach (var gone in _targetOf.Where(known => _targets.Find(known.Value) is null).Select(known => known.Key).ToList())
            {
                _targetOf.Remove(gone);
            }
        }
    }

    private void Move(StateFields deployment, string run, string intent, JsonElement payload, string at)
    {
        var (isNext, state) = (Next(deployment) == run, intent["run_state.".Length..]);
        if (isNext && state == "running")
        {
            if (deployment.Text("run_id") is { } before)
            {
                _targetOf.Remove(before);
            }
            deployment.Set("run_id", run);
            deployment.Set("ref", NextText(deployment, "ref") ?? "");
            deployment.Remove("next");
            deployment.Remove("exit_code");
        }
        else if (isNext && state == "pending")
        {
            deployment.Set("next", JsonSerializer.SerializeToElement(new Dictionary<string, string?> { ["run_id"] = run, ["ref"] = NextText(deployment, "ref"), ["state"] = state, ["since"] = at }));
            return;
        }
        else if (isNext)
        {
            // It never served: what was there before is still what is there, if anything was.
            deployment.Remove("next");
            _targetOf.Remove(run);
            deployment.Set("last_failure", JsonSerializer.SerializeToElement(new Dictionary<string, string?> { ["run_id"] = run, ["state"] = state, ["reason"] = payload.Text("reason"), ["at"] = at }));
            return;
        }
        deployment.Set("state", state);
        deployment.Set("since", at);
        if (payload.Integer("exit_code") is { } code)
        {
            deployment.Set("exit_code", JsonSerializer.SerializeToElement(code));
        }
    }

    private static string? Next(StateFields deployment) => NextText(deployment, "run_id");

    private static string? NextText(StateFields deployment, string name) => deployment.Member("next").Text(name);
}
