using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.ExceptionServices;
using LogLine.Api.Ledger;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>When a call of the store fails.</summary>
public enum StoreFault
{
    /// <summary>Before anything is done.</summary>
    NotPersisted,
    /// <summary>After all of it was done: only the answer is lost.</summary>
    PersistedAnyway,
}

/// <summary>The store failed, because a test wanted it to.</summary>
internal sealed class InjectedFault(string call) : LedgerStoreException($"{call} was made to fail");

/// <summary>Which calls fail next, and which there were.</summary>
internal sealed class StoreFaults
{
    private readonly ConcurrentDictionary<string, (StoreFault Fault, int Left)> _armed = new();

    /// <summary>Every call that failed, and how.</summary>
    public ConcurrentDictionary<(string Call, StoreFault Fault), bool> Failed { get; } = new();

    /// <summary>Every call of a store that can be made to fail.</summary>
    public static IReadOnlyList<string> Calls { get; } =
    [
        .. new[] { typeof(ILedgerStore), typeof(IDeliveryStore), typeof(ILedgerTransaction) }.SelectMany(contract => contract.GetMethods()).Where(method => !method.IsSpecialName)
            .Select(method => method.Name).Distinct().Except(FaultyStore.Spared).Order(StringComparer.Ordinal),
    ];

    /// <summary>The next calls of that name fail.</summary>
    public void Arm(string call, StoreFault fault, int times = 2) => _armed[call] = (fault, times);

    /// <summary>From now on all is well.</summary>
    public void Disarm() => _armed.Clear();

    public StoreFault? Next(string call)
    {
        while (_armed.TryGetValue(call, out var armed) && armed.Left > 0)
        {
            if (_armed.TryUpdate(call, armed with { Left = armed.Left - 1 }, armed))
            {
                Failed[(call, armed.Fault)] = true;
                return armed.Fault;
            }
        }
        return null;
    }
}

/// <summary>A store, and its transactions, of which any call can be made to fail. The real one is behind it.</summary>
public class FaultyStore : DispatchProxy
{
    // What is no call to an engine, and what fails by its own rules: a listener that hears nothing, an enumeration.
    internal static readonly string[] Spared =
    [
        "get_IsShared", "get_Size", "get_SignedBy", nameof(ILedgerStore.MayHaveWritten), nameof(ILedgerStore.WatchAsync), nameof(ILedgerStore.RowsAsync), nameof(IAsyncDisposable.DisposeAsync),
    ];

    private object _inner = null!;
    private StoreFaults _faults = null!;

    internal static T Around<T>(T inner, StoreFaults faults) where T : class
    {
        var proxy = Create<T, FaultyStore>();
        var faulty = (FaultyStore)(object)proxy;
        (faulty._inner, faulty._faults) = (inner, faults);
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var fault = Spared.Contains(targetMethod!.Name) ? null : _faults.Next(targetMethod.Name);
        if (fault == StoreFault.NotPersisted)
        {
            throw new InjectedFault(targetMethod.Name);
        }
        var result = Call(targetMethod, args);
        if (fault == StoreFault.PersistedAnyway)
        {
            End(result);
            throw new InjectedFault(targetMethod.Name);
        }
        return result is ValueTask<ILedgerTransaction> begun ? AroundAsync(begun) : result;
    }

    private object? Call(MethodInfo method, object?[]? args)
    {
        try
        {
            return method.Invoke(_inner, args);
        }
        catch (TargetInvocationException defect)
        {
            ExceptionDispatchInfo.Throw(defect.InnerException!);
            throw;
        }
    }

    /// <summary>Waits for what was begun; a transaction that nobody hears of is given up, as the store would when its connection breaks.</summary>
    private static void End(object? result)
    {
        if (result is ValueTask<ILedgerTransaction> begun)
        {
            begun.AsTask().GetAwaiter().GetResult().DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
        else if (result?.GetType() is { } type && type.GetMethod("AsTask") is { } asTask)
        {
            ((Task)asTask.Invoke(result, null)!).GetAwaiter().GetResult();
        }
    }

    private async ValueTask<ILedgerTransaction> AroundAsync(ValueTask<ILedgerTransaction> begun) => Around(await begun, _faults);
}
