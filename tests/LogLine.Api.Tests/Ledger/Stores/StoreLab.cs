using LogLine.Api.Ledger;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>A store without a gateway, and the pieces that a writer would give it. Checkpoints are any text here: a store does not read them.</summary>
internal sealed class StoreLab : IAsyncDisposable
{
    public const string Tenant = "dev";
    public const string TokenId = "tok_contract";
    public static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("logline-store-").FullName;
    private readonly ServerKeys _keys;
    private readonly ServerIdentity _identity;
    private readonly CompactRange _tree = new();
    private readonly TileTree _tiles = new(_ => null);

    private StoreLab(Func<string, Task<ILedgerStore>> open)
    {
        _keys = ServerKeys.Open(_folder, create: true);
        _identity = new ServerIdentity(_keys, "logline.test/contract");
        _open = open;
    }

    private readonly Func<string, Task<ILedgerStore>> _open;

    public ILedgerStore Store { get; private set; } = null!;

    /// <summary>Opens an empty store with one tenant and one token, <see cref="TokenId"/>.</summary>
    public static async Task<StoreLab> OpenAsync(Func<string, Task<ILedgerStore>> open)
    {
        var lab = new StoreLab(open);
        lab.Store = await open(lab._folder);
        Assert.True(await lab.Store.TryInsertFirstTenantAsync(new TenantRow(Tenant, Now), new TokenRow(TokenId, Tenant, [1, 2, 3], ["*"], "dev", null, null)));
        return lab;
    }

    /// <summary>A request of one span.</summary>
    public static AppendRequest Request(AdmittedSpan span, string? nonce = null, string? key = null, DateTimeOffset? keyExpires = null, long seen = 0) => new()
    {
        Tenant = Tenant,
        Seen = seen,
        Spans = [span],
        Nonce = nonce is null ? null : (nonce, Now.AddMinutes(5)),
        Key = key is null ? null : new KeyBinding(key, [7, 7], keyExpires ?? Now.AddHours(24), null),
    };

    /// <summary>A span as the gate would admit it.</summary>
    public static AdmittedSpan Span(string subject = "urn:registry:person/joana", string intent = "registry.person.create", Guid? name = null, string[]? kids = null, params LedgerEffect[] effects)
    {
        var span = SpanDocument.View(new SpanDraft { Intent = intent, Subject = subject, EntityType = "contract", Actor = "usr_test", Ts = Now, Payload = json => json.WriteString("kind", "test.v1"), Id = name ?? Guid.NewGuid() }.Build());
        var entry = new LedgerEntry("dev", span.Hash, null, TokenId, Timestamps.Write(Now), Tenant, span.This!);
        return AdmittedSpan.Admit(entry, span, [9], "{}"u8.ToArray(), effects, [], effects.OfType<LedgerEffect.RunCreated>().FirstOrDefault()?.Run.RunId, kids ?? []);
    }

    /// <summary>A span of the gateway's own.</summary>
    public ServerSpan Own(string subject, params LedgerEffect[] effects) =>
        _identity.Sign(Tenant, "dev", "run_state.pending", "function", subject, Now, _ => { }) with { Effects = effects, RunId = effects.OfType<LedgerEffect.RunMoved>().FirstOrDefault()?.To.RunId };

    /// <summary>Writes the requests in one transaction and commits it, as the writer does; the conflict of each, or null.</summary>
    public Task<IReadOnlyList<AppendConflict?>> CommitAsync(params AppendRequest[] requests) => CommitAsync([.. requests.Select(Piece)], Now);

    /// <summary>The piece that a request is.</summary>
    public LedgerPiece Piece(AppendRequest request) => LedgerPiece.Of(request, _identity);

    public async Task<IReadOnlyList<AppendConflict?>> CommitAsync(IReadOnlyList<LedgerPiece> pieces, DateTimeOffset now)
    {
        await using var transaction = await Store.BeginAsync(now);
        Assert.Equal(_tree.Size, transaction.Size);
        var conflicts = await transaction.WriteAsync(pieces);
        var touched = new List<Touched>();
        for (var i = 0; i < pieces.Count; i++)
        {
            foreach (var row in conflicts[i] is null ? pieces[i].Rows : [])
            {
                _tree.Append(row.Leaf);
                _tiles.Append(row.Leaf);
                touched.AddRange(row.Effects.Select(Touched.By).OfType<Touched>());
            }
        }
        await transaction.CommitAsync(_tree.Size == transaction.Size
            ? null
            : new TreeGrowth(_tree.Size, [.. _tree.Hashes.SelectMany(hash => hash)], _tiles.TakeFullTiles(), $"checkpoint {_tree.Size}", touched));
        return conflicts;
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        _keys.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
