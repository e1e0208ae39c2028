using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Api.Workers.Serving;

/// <summary>Reads what a worker answers, line by line: the first is the answer, those behind it are lines of a log that is followed.</summary>
internal static class AnswerReader
{
    /// <summary>Reads to the end of the body, never holding more than one line of it.</summary>
    /// <param name="body">The request's body.</param>
    /// <param name="question">What it answers.</param>
    /// <param name="maxLine">Bytes of one line at most; a longer one cuts the answer off.</param>
    /// <param name="cancel">Nobody wants to know any more.</param>
    public static async Task ReadAsync(PipeReader body, Question question, int maxLine, CancellationToken cancel)
    {
        while (true)
        {
            var read = await body.ReadAsync(cancel);
            var rest = read.Buffer;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                Take(question, rest.Slice(0, end));
                rest = rest.Slice(rest.GetPosition(1, end));
            }
            if (read.IsCompleted && !rest.IsEmpty && rest.Length <= maxLine)
            {
                Take(question, rest);
            }
            if (read.IsCompleted || rest.Length > maxLine)
            {
                body.AdvanceTo(read.Buffer.End);
                return;
            }
            body.AdvanceTo(rest.Start, rest.End);
        }
    }

    private static void Take(Question question, ReadOnlySequence<byte> line)
    {
        try
        {
            using var parsed = JsonDocument.Parse(line);
            var said = parsed.RootElement;
            if (!question.Answer.Task.IsCompleted)
            {
                question.Settle(said);
            }
            else if (said.Integer("dropped") is { } dropped)
            {
                question.Ring?.Skip(dropped);
            }
            else if (said.Flag("end") == true)
            {
                question.Finished.TrySetResult();
            }
            else if (said.Text("text") is { } text)
            {
                question.Ring?.Append(said.Integer("source") == 2 ? 2 : 1, Encoding.UTF8.GetBytes(text.Replace('\n', ' ') + "\n"));
            }
        }
        catch (JsonException)
        {
            // Not said in our words: left out.
        }
    }
}
