using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Runs;

/// <summary>What a primitive was asked to do: the effect that carries it out, the lifecycle operation that it is, or null, and its arguments.</summary>
public sealed record PrimitiveOrder(string Effect, string? Operation, JsonElement Arguments);

/// <summary>
/// Facts about a run that have no column, as one JSON object: <c>order</c> (of a primitive, or the course of a deploy), <c>ports</c>, <c>container_id</c>, <c>image_digest</c>,
/// <c>log_tail</c>, <c>log_dropped</c>, <c>oom_killed</c>, <c>restarts</c>, <c>last_exit_code</c>, <c>backoff_s</c>, <c>replaced_by</c>, <c>replaces_paused</c>, <c>serving</c>, <c>result</c>, <c>traceparent</c>, <c>named_at</c>. It is never hashed, so it need not be canonical: what a container
/// said stays as it was said.
/// </summary>
public static class RunDetail
{
    /// <summary>A member that readers do not see: the span has the arguments.</summary>
    public const string HiddenMember = "order";

    private const string ProofMember = "proof";
    private const string TraceMember = "traceparent";
    private const string NamedMember = "named_at";

    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>True for what is for workers alone.</summary>
    public static bool IsHidden(string member) => member is HiddenMember or ProofMember or TraceMember or NamedMember;

    /// <summary>The same facts, and the name of the span with the proof that let the run through; what needed none stays as it is.</summary>
    public static string Proven(string detail, string? proofThis) => proofThis is null ? detail : Before(detail, ProofMember, proofThis);

    /// <summary>The name of the span with the proof that let the run through, or null.</summary>
    public static string? ProofOf(string detail)
    {
        using var parsed = JsonDocument.Parse(detail);
        return parsed.RootElement.Text(ProofMember);
    }

    /// <summary>The same facts, and where the request's trace stands, as W3C writes it: whatever worker carries the run out goes on with that trace.</summary>
    public static string Traced(string detail, Activity? activity) =>
        activity is not { IdFormat: ActivityIdFormat.W3C, Id: { } id } ? detail : Before(detail, TraceMember, id);

    /// <summary>Where the trace of the request stands that started the run; nowhere for a run without.</summary>
    public static ActivityContext TraceOf(string detail)
    {
        using var parsed = JsonDocument.Parse(detail);
        return ActivityContext.TryParse(parsed.RootElement.Text(TraceMember), null, out var context) ? context : default;
    }

    /// <summary>The detail of a run that carries out a primitive.</summary>
    public static string OfOrder(PrimitiveOrder order) => Text(json =>
    {
        json.WriteStartObject();
        json.WriteStartObject(HiddenMember);
        json.WriteString("effect", order.Effect);
        json.WriteString("operation", order.Operation);
        json.WritePropertyName("arguments");
        order.Arguments.WriteTo(json);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary>The order of a primitive's run.</summary>
    public static PrimitiveOrder Order(string detail)
    {
        using var parsed = JsonDocument.Parse(detail);
        var order = parsed.RootElement.GetProperty(HiddenMember).Clone();
        return new PrimitiveOrder(order.Text("effect")!, order.Text("operation"), order.Member("arguments"));
    }

    /// <summary>The same facts, and since when, by the gateway's clock, what is asked of the service's name is meant for the run's container.</summary>
    public static string Named(string detail, DateTimeOffset at) => With(detail, json => json.WriteString(NamedMember, at));

    /// <summary>When a run came to have the name of another one's container; null for one that has had it from its beginning.</summary>
    public static DateTimeOffset? NamedAt(string detail)
    {
        using var parsed = JsonDocument.Parse(detail);
        return parsed.RootElement.Member(NamedMember) is { ValueKind: JsonValueKind.String } at ? at.GetDateTimeOffset() : null;
    }

    /// <summary>A count among the facts; 0 when it is not there.</summary>
    public static long Count(string detail, string name)
    {
        using var parsed = JsonDocument.Parse(detail);
        return parsed.RootElement.Integer(name) ?? 0;
    }

    /// <summary>A word among the facts, or null.</summary>
    public static string? Text(string detail, string name)
    {
        using var parsed = JsonDocument.Parse(detail);
        return parsed.RootElement.Text(name);
    }

    /// <summary>True when a fact is there and true.</summary>
    public static bool Flag(string detail, string name)
    {
        using var parsed = JsonDocument.Parse(detail);
        return parsed.RootElement.Flag(name) == true;
    }

    /// <summary>True when the run carries out a step of a container's lifecycle, of which there is one at a time.</summary>
    public static bool TakesTurn(string detail)
    {
        using var parsed = JsonDocument.Parse(detail);
        return parsed.RootElement.Member(HiddenMember).Text("operation") is { } operation && ContainerLifecycle.TakesTurn(operation);
    }

    /// <summary>The result among the facts; undefined when there is none yet.</summary>
    public static JsonElement ResultOf(string detail)
    {
        using var parsed = JsonDocument.Parse(detail);
        return parsed.RootElement.Member("result") is { ValueKind: JsonValueKind.Object } result ? result.Clone() : default;
    }

    /// <summary>The same facts with a result.</summary>
    public static string WithResult(string detail, JsonElement result) => With(detail, json =>
    {
        json.WritePropertyName("result");
        result.WriteTo(json);
    });

    /// <summary>The same facts with the members that <paramref name="write"/> writes; what it writes again replaces what was there.</summary>
    public static string With(string detail, Action<Utf8JsonWriter> write)
    {
        using var before = JsonDocument.Parse(detail);
        using var added = JsonDocument.Parse(Text(json =>
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }));
        return Text(json =>
        {
            json.WriteStartObject();
            foreach (var member in before.RootElement.EnumerateObject().Where(member => added.RootElement.Member(member.Name).ValueKind == JsonValueKind.Undefined))
            {
                member.WriteTo(json);
            }
            foreach (var member in added.RootElement.EnumerateObject())
            {
                member.WriteTo(json);
            }
            json.WriteEndObject();
        });
    }

    /// <summary>The same facts behind one more, which they do not have yet and whose value needs no escape.</summary>
    private static string Before(string detail, string name, string value) => $"{{\"{name}\":\"{value}\"{(detail == "{}" ? "" : ",")}{detail.AsSpan(1)}";

    private static string Text(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Writing))
        {
            write(json);
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
