using System.Security.Cryptography;
using System.Text;
using LogLine.Api.Delivery.Witnesses;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Api.Submissions;
using LogLine.Protocol.Merkle;
using Microsoft.Net.Http.Headers;

namespace LogLine.Api.Delivery.Tlog;

/// <summary>
/// The log as C2SP tlog-tiles, prefix <c>/tlog/</c>: <c>checkpoint</c> and <c>tile/&lt;L&gt;/&lt;N&gt;[.p/&lt;W&gt;]</c> for everybody, <c>tile/entries/&lt;N&gt;[.p/&lt;W&gt;]</c>,
/// which mixes tenants, with scope <c>ledger:audit</c>. A tile has one path, byte for byte as sent: every other spelling is not found. What is
/// served as immutable was held against the tree's own root first, so that no cache ever keeps a damaged tile.
/// </summary>
internal static class TlogEndpoints
{
    private const string Prefix = "/tlog/";
    private static readonly string[] Reads = ["GET", "HEAD"];

    public static void MapTlog(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods(Prefix + "checkpoint", Reads, CheckpointAsync).Documented(TlogDocs.Checkpoint);
        routes.MapMethods(Prefix + "tile/{**path}", Reads, TileAsync).Documented(TlogDocs.Tile);
        routes.MapMethods(Prefix + "tile/entries/{**path}", Reads, BundleAsync).RequireScope("ledger:audit").Documented(TlogDocs.Bundle);
    }

    /// <summary>The newest checkpoint; where a quorum of witnesses is asked for, the newest that it has cosigned, with their lines.</summary>
    private static Task CheckpointAsync(HttpContext http, SpanLedger ledger, WitnessRounds witnesses)
    {
        if (ledger.Checkpoint.Length == 0)
        {
            return NotThereAsync(http, "The log is empty: its first checkpoint comes with its first entry.", "empty");
        }
        return (witnesses.Quorum == 0 ? ledger.Checkpoint : witnesses.Cosigned?.Note) is { } note
            ? WriteAsync(http, Encoding.UTF8.GetBytes(note), "text/plain; charset=utf-8", "public, max-age=2")
            : NotThereAsync(http, $"No checkpoint of this log is cosigned by {witnesses.Quorum} witnesses yet.", "no_quorum");
    }

    private static Task TileAsync(HttpContext http, SpanLedger ledger)
    {
        if (!TileId.TryParse(PathAsSent(http), out var id, out var width))
        {
            return NotThereAsync(http, "This is the path of no tile: tile/<L>/<N>[.p/<W>], L from 0 to 63, N in groups of three digits (1234067 is x001/x234/067), W from 1 to 255.", "spelling");
        }
        var tree = ledger.Tree;
        return tree.Holds(id, width) ? WriteAsync(http, tree.PartialTile(id, width), Octets, Forever("public")) : BeyondAsync(http, tree);
    }

    private static async Task BundleAsync(HttpContext http, SpanLedger ledger)
    {
        if (!EntryBundle.TryParsePath(PathAsSent(http), out var index, out var width))
        {
            await NotThereAsync(http, "This is the path of no entry bundle: tile/entries/<N>[.p/<W>], N in groups of three digits (1234067 is x001/x234/067), W from 1 to 255.", "spelling");
            return;
        }
        var tree = ledger.Tree;
        if (!tree.Holds(new TileId(0, index), width))
        {
            await BeyondAsync(http, tree);
            return;
        }
        if (index * TileId.FullWidth < ledger.Minimum)
        {
            await NotThereAsync(http, $"The log keeps entries from {ledger.Minimum} on. The leaf hashes of these are in /tlog/{new TileId(0, index).Path()}.", "pruned", minimum: ledger.Minimum);
            return;
        }
        var entries = await ledger.Store.ReadEntryBytesAsync(index * TileId.FullWidth, width);
        RequireLeaves(entries, tree, index, width);
        http.Response.Headers.Vary = HeaderNames.Authorization;
        await WriteAsync(http, EntryBundle.Write(entries), Octets, Forever("private"));
    }

    /// <summary>Holds the entries under a tile of level 0 against their leaf hashes.</summary>
    /// <exception cref="InvalidDataException">One is missing or is another one.</exception>
    private static void RequireLeaves(List<byte[]> entries, TreeSnapshot tree, long index, int width)
    {
        var leaves = tree.PartialTile(new TileId(0, index), width);
        for (var i = 0; i < width; i++)
        {
            if (i >= entries.Count || !MerkleHash.Leaf(entries[i]).AsSpan().SequenceEqual(leaves.AsSpan(i * MerkleHash.Size, MerkleHash.Size)))
            {
                throw new InvalidDataException($"The ledger's entry {(index * TileId.FullWidth) + i} is missing or is not the one that its leaf hash names.");
            }
        }
    }

    private const string Octets = "application/octet-stream";

    private static string Forever(string whose) => whose + ", max-age=31536000, immutable";

    /// <summary>The path behind the prefix; empty when it was sent in another spelling (percent-encoded, with dots, as an absolute URL elsewhere).</summary>
    private static string PathAsSent(HttpContext http)
    {
        var target = RequestReader.PathAsSent(http).Split('?', 2)[0];
        return target.StartsWith(Prefix, StringComparison.Ordinal) ? target[Prefix.Length..] : "";
    }

    /// <summary>200, 304 or 412, with or without the body, as the request's method and conditions have it (RFC 9110, section 13).</summary>
    private static Task WriteAsync(HttpContext http, byte[] content, string contentType, string cache)
    {
        http.Response.Headers.CacheControl = cache;
        // By content, not by path: a restored log may have another tile under the same path.
        var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\"");
        return TypedResults.Bytes(content, contentType, entityTag: tag).ExecuteAsync(http);
    }

    private static Task BeyondAsync(HttpContext http, TreeSnapshot tree) =>
        NotThereAsync(http, $"The tree of {tree.Size} entries has no such tile, or not as wide.", "beyond_tree", tree.Size);

    private static Task NotThereAsync(HttpContext http, string why, string reason, long? size = null, long? minimum = null)
    {
        // It may be there in a moment.
        http.Response.Headers.CacheControl = "no-store";
        var details = new Dictionary<string, object?> { ["reason"] = reason };
        if (size is { } entries)
        {
            details["tree_size"] = entries;
        }
        if (minimum is { } kept)
        {
            details["minimum_index"] = kept;
        }
        return http.RefuseAsync(new Rejection(RefusalCode.NotFound, why) { Details = details });
    }
}
