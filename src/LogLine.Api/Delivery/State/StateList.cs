using System.Text.Json;

namespace LogLine.Api.Delivery.State;

/// <summary>
/// Items by key, in the order of their last change, bounded by number and bytes: then the ones that did not change for longest are left out, and
/// <see cref="Truncated"/> says so for good.
/// </summary>
internal sealed class StateList(int maxItems = StateList.MaxItems)
{
    public const int MaxItems = 1000;
    private const int MaxBytes = 256 << 10;

    private readonly LinkedList<(string Key, StateFields Item)> _order = [];
    private readonly Dictionary<string, LinkedListNode<(string Key, StateFields Item)>> _byKey = new(StringComparer.Ordinal);
    private long _bytes;

    /// <summary>True when there is more than is kept.</summary>
    public bool Truncated { get; private set; }

    /// <summary>The items, the one that changed last at the end.</summary>
    public IEnumerable<StateFields> Items => _order.Select(entry => entry.Item);

    /// <summary>The item of a key, or null.</summary>
    public StateFields? Find(string key) => _byKey.GetValueOrDefault(key)?.Value.Item;

    /// <summary>Puts an item where the last change is.</summary>
    public void Put(string key, StateFields item)
    {
        Drop(key);
        _byKey.Add(key, _order.AddLast((key, item)));
        _bytes += item.Bytes;
        while (_order.Count > maxItems || (_bytes > MaxBytes && _order.Count > 0))
        {
            Drop(_order.First!.Value.Key);
            Truncated = true;
        }
    }

    /// <summary>Takes an item out.</summary>
    public void Drop(string key)
    {
        if (_byKey.Remove(key, out var node))
        {
            _bytes -= node.Value.Item.Bytes;
            _order.Remove(node);
        }
    }

    /// <summary>The items as an array.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var item in Items)
        {
            item.WriteTo(json);
        }
        json.WriteEndArray();
    }
}

/// <summary>Members by name, each with its latest value, bounded in bytes. Immutable once it is in a list.</summary>
internal sealed class StateFields
{
    private const int MaxBytes = 1 << 20;

    private readonly SortedDictionary<string, JsonElement> _members = new(StringComparer.Ordinal);

    public StateFields()
    {
    }

    private StateFields(StateFields other)
    {
        foreach (var (name, value) in other._members)
        {
            Set(name, value);
        }
    }

    /// <summary>Bytes of JSON that it holds.</summary>
    public int Bytes { get; private set; }

    /// <summary>True when a value was too long to be kept.</summary>
    public bool Truncated { get; private set; }

    /// <summary>True when there is nothing.</summary>
    public bool IsEmpty => _members.Count == 0;

    /// <summary>A copy that can be changed.</summary>
    public StateFields Copy() => new(this);

    /// <summary>The text of a member, or null.</summary>
    public string? Text(string name) => _members.TryGetValue(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>A member; undefined when there is none.</summary>
    public JsonElement Member(string name) => _members.GetValueOrDefault(name);

    /// <summary>Sets a text.</summary>
    public void Set(string name, string text) => Set(name, JsonSerializer.SerializeToElement(text));

    /// <summary>Sets a value; one that does not fit is left out.</summary>
    public void Set(string name, JsonElement value)
    {
        Remove(name);
        var bytes = Size(name, value);
        if (Bytes + bytes > MaxBytes)
        {
            Truncated = true;
            return;
        }
        _members[name] = value;
        Bytes += bytes;
    }

    /// <summary>Takes a member out.</summary>
    public void Remove(string name)
    {
        if (_members.Remove(name, out var old))
        {
            Bytes -= Size(name, old);
        }
    }

    /// <summary>An object.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        foreach (var (name, value) in _members)
        {
            json.WritePropertyName(name);
            value.WriteTo(json);
        }
        json.WriteEndObject();
    }

    private static int Size(string name, JsonElement value) => name.Length + System.Text.Encoding.UTF8.GetByteCount(value.GetRawText());
}
