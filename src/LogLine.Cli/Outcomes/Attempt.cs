using System.Diagnostics.CodeAnalysis;

namespace LogLine.Cli.Outcomes;

/// <summary>A value, or why there is none. Refusals travel as values; exceptions are for defects.</summary>
internal readonly struct Attempt<T>
{
    private readonly T? _value;
    private readonly CommandFailure? _failure;

    private Attempt(T? value, CommandFailure? failure) => (_value, _failure) = (value, failure);

    /// <summary>True with the failure, or false with the value.</summary>
    public bool Fails([NotNullWhen(true)] out CommandFailure? failure, [NotNullWhen(false)] out T? value)
    {
        (failure, value) = (_failure, _value);
        return failure is not null;
    }

    public static implicit operator Attempt<T>(T value) => new(value, null);

    public static implicit operator Attempt<T>(CommandFailure failure) => new(default, failure);
}
