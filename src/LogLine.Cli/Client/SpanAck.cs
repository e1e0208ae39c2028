using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Client;

/// <summary>The gateway's answer to a span that is in the ledger now (contract, section 5). A view.</summary>
internal readonly record struct SpanAck(JsonElement Root)
{
    /// <summary>Name of the span.</summary>
    public string? This => Root.Text("this");

    /// <summary>Trace id.</summary>
    public string? TraceId => Root.Text("trace_id");

    /// <summary>What the intent produced; undefined when nothing.</summary>
    public JsonElement Result => Root.Member("result");

    /// <summary>The run that was started; undefined when none.</summary>
    public JsonElement Run => Root.Member("run");

    /// <summary>Position in the log, from 0.</summary>
    public long? LogIndex => Root.Member("receipt").Integer("log_index");

    /// <summary>Whether this is the stored answer to an earlier sending.</summary>
    public bool Replayed => Root.Flag("replayed") == true;
}
