namespace LogLine.Fuzz.Targets;

/// <summary>One door for bytes from outside.</summary>
internal interface IFuzzTarget : IDisposable
{
    /// <summary>Valid inputs, which mutation begins with.</summary>
    IReadOnlyList<byte[]> Seeds { get; }

    /// <summary>A changed input.</summary>
    /// <param name="input">What is changed.</param>
    /// <param name="other">Another input, to take pieces from.</param>
    /// <param name="random">The only source of chance.</param>
    byte[] Mutate(byte[] input, byte[] other, Random random);

    /// <summary>Runs an input on this thread.</summary>
    /// <returns>The kind of the answer; an input that brings a new kind is kept to be mutated further.</returns>
    /// <exception cref="BrokenPromiseException">The answer is none that there may be; any other exception is a find as well.</exception>
    string Run(byte[] input);

    /// <summary>The door alone, without looking at what comes out: what an input costs. The same as <see cref="Run"/> where looking is little of it.</summary>
    void Enter(byte[] input) => Run(input);

    /// <summary>Goes back to how it was before the first input, where there is a state.</summary>
    void Renew();
}

/// <summary>An answer that breaks what the contract or the code's own words promise.</summary>
internal sealed class BrokenPromiseException(string message) : Exception(message);
