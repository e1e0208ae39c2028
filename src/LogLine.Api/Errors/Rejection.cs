namespace LogLine.Api.Errors;

/// <summary>A refusal as a value (architecture, rule 7). <see cref="RefusalAnswers"/> maps it to HTTP.</summary>
public sealed record Rejection(RefusalCode Code, string Detail)
{
    /// <summary>Facts for a program, by their names in <c>details</c>.</summary>
    public IReadOnlyDictionary<string, object?> Details { get; init; } = Empty;

    /// <summary>Fields that are missing: dotted path and why each is needed, in document order.</summary>
    public IReadOnlyList<MissingField> Missing { get; init; } = [];

    /// <summary>Values that are wrong.</summary>
    public IReadOnlyList<FieldError> Errors { get; init; } = [];

    /// <summary>What is there already, as canonical JSON; for <c>partial_span</c>.</summary>
    public ReadOnlyMemory<byte> PartialSpan { get; init; }

    /// <summary>What to tell a person, when it is better than what the fields add up to: examples in the language of the text.</summary>
    public string? SuggestedReply { get; init; }

    /// <summary>Seconds after which a retry makes sense, for <c>Retry-After</c>.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>The bucket that is empty, for the <c>RateLimit-*</c> headers.</summary>
    public RateLimitState? RateLimit { get; init; }

    private static readonly Dictionary<string, object?> Empty = [];

    /// <summary>One contradiction between fields (row 13).</summary>
    public static Rejection Inconsistent(string path, string message) =>
        new(RefusalCode.SchemaInvalid, message) { Errors = [new FieldError(path, "consistency", message)] };

    /// <summary>A signature that is not to be trusted, with the reason for programs.</summary>
    public static Rejection Signature(string reason, string detail, string? path = null) => new(RefusalCode.SignatureInvalid, detail)
    {
        Details = path is null
            ? new Dictionary<string, object?> { ["reason"] = reason }
            : new Dictionary<string, object?> { ["reason"] = reason, ["path"] = path },
    };
}

/// <summary>A field that is missing: <c>payload.target.service</c>, and what it is for.</summary>
public sealed record MissingField(string Field, string Why);

/// <summary>A value that is wrong: JSON Pointer, the keyword that refused it, and a sentence with what was found and what is accepted.</summary>
public sealed record FieldError(string Path, string Keyword, string Message);
