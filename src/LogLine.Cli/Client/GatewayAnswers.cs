using System.Text;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Client;

/// <summary>What the gateway answers, as a value or as a failure that says what to do next (contract, section 5).</summary>
internal static class GatewayAnswers
{
    /// <summary>2xx with JSON is the value; everything else is a failure.</summary>
    public static Attempt<JsonElement> Read(HttpResponseMessage response, byte[] body, Uri baseUrl)
    {
        JsonElement json = default;
        try
        {
            // No JSON at all is an answer too: 204, or a proxy's error page.
            json = body.Length == 0 ? default : JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = JsonLimits.Depth * 2 }).RootElement;
        }
        catch (JsonException)
        {
        }
        if (response.IsSuccessStatusCode && (json.ValueKind != JsonValueKind.Undefined || body.Length == 0))
        {
            return json;
        }
        return json.Text("code") is { } code ? Refusal(code, json) : Foreign(response, body, baseUrl);
    }

    /// <summary>A refusal in the gateway's own form; also that of one item of an array.</summary>
    public static CommandFailure Refusal(string code, JsonElement body) => new(code, Message(code, body), NextStep(code, body))
    {
        TraceId = body.Text("trace_id"),
        Body = body,
    };

    private static CommandFailure Foreign(HttpResponseMessage response, byte[] body, Uri baseUrl)
    {
        var excerpt = Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 120))).ReplaceLineEndings(" ").Trim();
        return new CommandFailure("network", $"{baseUrl.GetLeftPart(UriPartial.Authority)} answered {(int)response.StatusCode} {response.ReasonPhrase}, and not as a LogLine gateway does{(excerpt.Length == 0 ? "" : ": " + excerpt)}",
            "Is the URL right (--url, LOGLINE_URL, profile), and does nothing stand in between?");
    }

    private static string Message(string code, JsonElement body) => body.Text("status") switch
    {
        "need_more" => $"More is needed: {string.Join(", ", body.Texts("missing_fields"))}.",
        "invalid" => string.Join("; ", body.Items("errors").Select(error => $"{error.Text("path")}: {error.Text("message")}")) is { Length: > 0 } errors ? errors : "The gateway calls it invalid.",
        _ => body.Text("detail") ?? body.Text("title") ?? code,
    };

    private static string? NextStep(string code, JsonElement body)
    {
        var details = body.Member("details");
        return code switch
        {
            "401_UNAUTHENTICATED" => "Check the token: 'logline init --bootstrap FILE' takes it from the gateway's data folder; --token and LOGLINE_TOKEN go before it.",
            "403_FORBIDDEN" => "'logline whoami' shows tenant and scopes of the token in use.",
            "409_IDEMPOTENCY_CONFLICT" => "This key or name stands for another content already. It is not sent again: look at that span, or send a new one.",
            "422_TIMESTAMP_OUT_OF_RANGE" => $"Set this machine's clock{(details.Text("server_time") is { } time ? $"; the gateway's says {time}" : "")}.",
            "422_SIGNATURE_INVALID" => "Is the key of this profile registered with this tenant, and not revoked? 'logline init' says which one it is.",
            "428_PROOF_REQUIRED" => ProofCommand(details),
            "428_REVIEW_REQUIRED" or "403_POLICY_DENIED" => "A policy of the operator's or the tenant's decides this; the message names the rule.",
            "409_LIFECYCLE_CONFLICT" => Lifecycle(details),
            "429_RATE_LIMITED" or "503_BUSY" => "Send it again in a while.",
            "503_ADAPTER_UNAVAILABLE" => "Start what the message names, then send it again.",
            "500_INTERNAL" => "Nothing was committed. Send it again; report the trace id if it stays.",
            // The message has every error already; what is missing has its reasons in the reply.
            _ => body.Text("status") == "invalid" ? null : body.Text("suggested_reply"),
        };
    }

    /// <summary>The command that makes the proof which is asked for.</summary>
    public static string ProofCommand(JsonElement details)
    {
        var command = new StringBuilder("logline wallet prove ").Append(details.Text("required_proof_intent") ?? "deploy.allow");
        if (details.Text("ref") is { } reference)
        {
            command.Append(" --ref ").Append(reference);
        }
        else if (details.Text("subject") is { } subject)
        {
            command.Append(" --subject ").Append(subject);
        }
        return command.Append("\nthen the same command again (or add --yes to it)").ToString();
    }

    private static string? Lifecycle(JsonElement details)
    {
        var legal = details.Texts("legal");
        var lines = new List<string>();
        if (details.Text("pending_run") is { } run)
        {
            lines.Add($"logline status {run} --watch");
        }
        if (legal.Count > 0)
        {
            lines.Add($"Possible now: {string.Join(", ", legal)}.");
        }
        return lines.Count == 0 ? null : string.Join('\n', lines);
    }
}
