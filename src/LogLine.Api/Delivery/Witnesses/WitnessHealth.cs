using System.Text.Json;

namespace LogLine.Api.Delivery.Witnesses;

/// <summary>How far the witnesses are behind the log, for <c>/healthz/ready</c>. Spans are admitted whether they answer or not.</summary>
internal static class WitnessHealth
{
    /// <summary><c>witnesses{quorum, cosigned_size, behind, list[{name, standing, size, reason?}]}</c>; nothing when there are none.</summary>
    public static void Write(Utf8JsonWriter json, WitnessRounds rounds, long size)
    {
        if (rounds.Witnesses.Count == 0)
        {
            return;
        }
        var cosigned = rounds.Cosigned?.Size ?? 0;
        json.WriteStartObject("witnesses");
        json.WriteNumber("quorum", rounds.Quorum);
        json.WriteNumber("cosigned_size", cosigned);
        json.WriteNumber("behind", Math.Max(0, size - cosigned));
        json.WriteStartArray("list");
        foreach (var witness in rounds.Witnesses)
        {
            json.WriteStartObject();
            json.WriteString("name", witness.Name);
            json.WriteString("standing", witness.Standing.ToString().ToLowerInvariant());
            json.WriteNumber("size", witness.Size);
            if (witness.Reason is { } reason)
            {
                json.WriteString("reason", reason);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
