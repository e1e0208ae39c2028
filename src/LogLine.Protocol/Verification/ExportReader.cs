using System.Buffers;
using System.IO.Pipelines;

namespace LogLine.Protocol.Verification;

/// <summary>Reads an export line by line, from a file, a pipe or an HTTP answer, whatever its length.</summary>
/// <param name="input">The text; it is not closed.</param>
public sealed class ExportReader(Stream input)
{
    private readonly PipeReader _lines = PipeReader.Create(input, new StreamPipeReaderOptions(bufferSize: 1 << 16, leaveOpen: true));
    private RowTable? _table;
    private long _line;

    /// <summary>The first line: the log's name and keys, and how many entries there were.</summary>
    /// <exception cref="InvalidDataException">It is not that of an export.</exception>
    public async ValueTask<(LedgerTrust Trust, long Entries)> ReadHeaderAsync(CancellationToken cancel) =>
        await ReadLineAsync(cancel) is { } line && ExportLine.TryReadHeader(line, out var trust, out var entries)
            ? (trust, entries)
            : throw new InvalidDataException($"This is no export of a ledger of version {ExportLine.Version}: its first line does not say so.");

    /// <summary>The rows, in the order of the text.</summary>
    /// <exception cref="InvalidDataException">A line is no row, or is too long.</exception>
    public async IAsyncEnumerable<StoredRow> ReadRowsAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        while (await ReadLineAsync(cancel) is { } line)
        {
            var row = ExportLine.TryReadRow(line, _table) ?? throw new InvalidDataException($"Line {_line} is no row of a ledger.");
            _table = row.Table;
            yield return row;
        }
    }

    private async ValueTask<ReadOnlyMemory<byte>?> ReadLineAsync(CancellationToken cancel)
    {
        while (true)
        {
            var read = await _lines.ReadAsync(cancel);
            if (read.Buffer.PositionOf((byte)'\n') is { } end)
            {
                _line++;
                var line = read.Buffer.Slice(0, end).ToArray();
                _lines.AdvanceTo(read.Buffer.GetPosition(1, end));
                return line;
            }
            if (read.IsCompleted)
            {
                var left = read.Buffer.Length;
                _lines.AdvanceTo(read.Buffer.End);
                return left == 0 ? null : throw new InvalidDataException($"Line {_line + 1} has no end: the text was cut off.");
            }
            if (read.Buffer.Length > ExportLine.MaxBytes)
            {
                throw new InvalidDataException($"Line {_line + 1} is longer than {ExportLine.MaxBytes} bytes.");
            }
            _lines.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
