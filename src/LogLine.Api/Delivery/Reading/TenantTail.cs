namespace LogLine.Api.Delivery.Reading;

/// <summary>
/// The newest items of one tenant, in memory, bounded by number and bytes. What is between <see cref="From"/> and <see cref="To"/> is here whole; what is
/// older is in the store.
/// </summary>
internal sealed class TenantTail(long position)
{
    private const int MaxItems = 1024;
    private const int MaxBytes = 1 << 20;

    private static readonly List<LogItem> Nothing = [];

    private readonly Lock _lock = new();
    private readonly LinkedList<LogItem> _items = [];
    private readonly List<TailLane> _lanes = [];
    private bool _isWaking;
    private bool _wakesAgain;
    private long _bytes;
    private long _from = position;
    private long _to = position;

    /// <summary>How many cursors read it; guarded by <see cref="LiveTail"/>.</summary>
    public int Readers { get; set; }

    /// <summary>Gives a reader a seat in a lane.</summary>
    public TailLane Enter(ReaderSignal reader)
    {
        lock (_lock)
        {
            if (_lanes.Find(lane => lane.TryEnter(reader)) is not { } free)
            {
                _lanes.Add(free = new TailLane());
                free.TryEnter(reader);
            }
            return free;
        }
    }

    /// <summary>Adds the tenant's items of a stretch of the log that ends before <paramref name="position"/>, and wakes who waits for them.</summary>
    public void Append(IReadOnlyList<LogItem> items, long position)
    {
        lock (_lock)
        {
            foreach (var item in items)
            {
                _items.AddLast(item);
                _bytes += item.Span.Length;
            }
            while (_items.Count > MaxItems || (_bytes > MaxBytes && _items.Count > 0))
            {
                _bytes -= _items.First!.Value.Span.Length;
                _from = _items.First.Value.Index + 1;
                _items.RemoveFirst();
            }
            _to = position;
        }
        if (items.Count > 0)
        {
            Wake();
        }
    }

    /// <summary>Wakes all lanes from the first on; while that goes on, what comes meanwhile is for a next round.</summary>
    private void Wake()
    {
        lock (_lock)
        {
            _wakesAgain = _isWaking;
            if (_isWaking)
            {
                return;
            }
            _isWaking = true;
        }
        Wake(0);
    }

    private void Wake(int lane)
    {
        TailLane woken;
        lock (_lock)
        {
            if (lane >= _lanes.Count)
            {
                (_isWaking, _wakesAgain, lane) = (_wakesAgain, false, 0);
                if (!_isWaking || _lanes.Count == 0)
                {
                    _isWaking = false;
                    return;
                }
            }
            woken = _lanes[lane];
        }
        woken.Wake();
        // Behind what was just woken, and what that sends.
        ThreadPool.UnsafeQueueUserWorkItem(static next => next.Tail.Wake(next.Lane), (Tail: this, Lane: lane + 1), preferLocal: false);
    }

    /// <summary>Forgets what it holds; whoever wants it reads the store.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            _items.Clear();
            (_bytes, _from) = (0, _to);
        }
    }

    /// <summary>
    /// What matches from <paramref name="next"/> on, at most <paramref name="limit"/>, and from where to go on; null when the beginning of it is not here any more.
    /// </summary>
    public (List<LogItem> Items, long Next)? Read(SpanSelection selection, long next, int limit)
    {
        lock (_lock)
        {
            if (next < _from)
            {
                return null;
            }
            // From the end backwards: a reader that keeps up finds its place at once.
            var first = (LinkedListNode<LogItem>?)null;
            for (var node = _items.Last; node is not null && node.Value.Index >= next; node = node.Previous)
            {
                first = node;
            }
            List<LogItem>? items = null;
            for (var node = first; node is not null; node = node.Next)
            {
                if (selection.Matches(node.Value))
                {
                    (items ??= []).Add(node.Value);
                    if (items.Count == limit)
                    {
                        return (items, node.Value.Index + 1);
                    }
                }
            }
            return (items ?? Nothing, Math.Max(next, _to));
        }
    }
}
