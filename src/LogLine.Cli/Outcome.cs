using System.Diagnostics.CodeAnalysis;

namespace LogLine.Cli;

/// <summary>A value, or why there is none. Refusals travel as values; exceptions are for defects.</summary>
internal readonly struct Outcome<T>
{
    private readonly T? _value;
    private readonly Failure? _failure;

    private Outcome(T? value, Failure? failure) => (_value, _failure) = (value, failure);

    /// <summary>True with the failure, or false with the value.</summary>
    public bool Fails([NotNullWhen(true)] out Failure? failure, [NotNullWhen(false)] out T? value)
    {
        (failure, value) = (_failure, _value);
        return failure is not null;
    }

    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static implicit operator Outcome<T>(Failure failure) => new(default, failure);
}
