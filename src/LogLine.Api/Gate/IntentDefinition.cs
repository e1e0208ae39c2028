using System.Text.Json;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Schema;

namespace LogLine.Api.Gate;

/// <summary>Who may send an intent.</summary>
public enum IntentSender
{
    /// <summary>Clients, to <c>/v1/spans</c>.</summary>
    Client,
    /// <summary>Clients, through a route of its own that answers with more than a receipt (a token that is shown once).</summary>
    Route,
    /// <summary>The gateway and its workers alone.</summary>
    Gateway,
}

/// <summary>An intent of the catalogue: its payload's schema and the <c>x-logline</c> annotations beside it (contract, section 9).</summary>
/// <param name="Name">For example <c>deploy.apply</c>; the file's name.</param>
/// <param name="Title">One line for people.</param>
/// <param name="EntityType">contract, function, decision, agent, law, file or test.</param>
/// <param name="Kind">Value of <c>payload.kind</c>, for example <c>deploy/apply.v1</c>.</param>
/// <param name="Subjects">Forms of the subject, for example <c>urn:minicontainer:{tenant}/{name}</c>; the first is the usual one.</param>
/// <param name="Sender">Who may send it.</param>
/// <param name="Effect">What it starts or changes beside being recorded; null for a plain record.</param>
/// <param name="Family">
/// What kind of thing on a target a primitive acts on: container, image, network, volume, system, session or task. Null for what is no primitive. A
/// primitive names a <c>target</c>, starts a run, and a worker carries its effect out.
/// </param>
/// <param name="Operation">The step of the container's lifecycle that it is (containers, "Lifecycle"), for example <c>start</c>; null where any state will do.</param>
/// <param name="Right">What the token must hold when it comes through a route of its own, for example <c>admin:tokens</c>.</param>
/// <param name="ProofIntent">What a proof must authorise, for example <c>deploy.allow</c>; null when none is needed.</param>
/// <param name="Payload">Schema of the payload.</param>
/// <param name="Document">The file's content, for <c>GET /v1/catalog</c>.</param>
public sealed record IntentDefinition(
    string Name, string Title, string EntityType, string Kind, IReadOnlyList<string> Subjects, IntentSender Sender, string? Effect, string? Family, string? Operation, string? Right, string? ProofIntent, JsonSchema Payload, JsonElement Document)
{
    /// <summary>True when it brings a MiniContainer to a target, or says what that would do.</summary>
    public bool IsDeploy => Effect is "deploy.plan" or "deploy.apply" or "deploy.rollback";

    /// <summary>What a primitive comes to with that payload: the name of what it acts on, empty when it names nothing, and its step of the container's lifecycle, if it is one.</summary>
    public (string Name, string? Operation) Work(JsonElement payload) =>
        (payload.Text("name") ?? "", Operation is { } step ? ContainerLifecycle.Operation(step, payload) : null);

    /// <summary>
    /// True when the subject has one of the forms. <paramref name="tenant"/> is the one that it names, a piece of it; empty when the form names none.
    /// </summary>
    public bool MatchesSubject(string subject, out ReadOnlySpan<char> tenant)
    {
        tenant = default;
        foreach (var form in Subjects)
        {
            if (Matches(form, subject, out tenant))
            {
                return true;
            }
        }
        return false;
    }

    private static bool Matches(ReadOnlySpan<char> form, ReadOnlySpan<char> text, out ReadOnlySpan<char> tenant)
    {
        tenant = default;
        while (!form.IsEmpty)
        {
            var open = form.IndexOf('{');
            var literal = open < 0 ? form : form[..open];
            if (!text.StartsWith(literal, StringComparison.Ordinal))
            {
                return false;
            }
            text = text[literal.Length..];
            if (open < 0)
            {
                return text.IsEmpty;
            }
            var close = form.IndexOf('}');
            var slot = form[(open + 1)..close];
            form = form[(close + 1)..];
            // A slot reaches to the character that follows it in the form, or to the end.
            var end = form.IsEmpty ? text.Length : text.IndexOf(form[0]);
            if (end < 0 || !(slot is "tenant" ? Identifiers.IsTenant(text[..end]) : Identifiers.IsName(text[..end])))
            {
                return false;
            }
            if (slot is "tenant")
            {
                tenant = text[..end];
            }
            text = text[end..];
        }
        return text.IsEmpty;
    }
}
