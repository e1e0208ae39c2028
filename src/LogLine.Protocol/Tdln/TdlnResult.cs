using System.Text;
using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Tdln;

/// <summary>What a paragraph means: a span, a question that another endpoint answers, or nothing that can be done.</summary>
/// <param name="Language">Language of the text; messages are in it.</param>
public abstract record TdlnResult(TdlnLanguage Language)
{
    /// <summary>
    /// A span: <c>intent</c>, <c>subject</c> and <c>payload</c> as far as the text and the context give them. What is missing is for the gate to find.
    /// </summary>
    /// <param name="Language">Language of the text.</param>
    /// <param name="Span">The span.</param>
    /// <param name="Normalised">Fields whose value was changed into its kept form, in the schema's order: <c>payload.email</c>.</param>
    /// <param name="Faults">What is wrong in the text itself; when there are any the answer is <c>invalid</c>, whatever the schema says of the span.</param>
    public sealed record Compiled(TdlnLanguage Language, CanonicalJson Span, IReadOnlyList<string> Normalised, IReadOnlyList<TdlnFault> Faults) : TdlnResult(Language)
    {
        /// <summary>Where values of the span stand that were not sent in NFC, as JSON Pointers into it. Words that only say what is meant are none of them.</summary>
        public IReadOnlyList<string> Altered { get; init; } = [];

        /// <summary><c>compiled_hash</c> of the span.</summary>
        public string Hash => CompiledHash.Of(Span.Root);
    }

    /// <summary>A question: what to ask instead.</summary>
    /// <param name="Language">Language of the text.</param>
    /// <param name="Method">HTTP method.</param>
    /// <param name="Path">Path and query, escaped: <c>/v1/state/view?subject=urn%3A…</c>.</param>
    /// <param name="Body">Body of a POST, or null.</param>
    public sealed record Question(TdlnLanguage Language, string Method, string Path, CanonicalJson? Body) : TdlnResult(Language);

    /// <summary>No span: unknown, ambiguous, contradictory or unreadable.</summary>
    /// <param name="Language">Language of the text.</param>
    /// <param name="Reason">Why, for programs.</param>
    /// <param name="Message">Why, for people.</param>
    /// <param name="Examples">Sentences that would be understood; of an ambiguous text, the phrases that match.</param>
    public sealed record NotUnderstood(TdlnLanguage Language, TdlnRefusal Reason, string Message, IReadOnlyList<string> Examples) : TdlnResult(Language)
    {
        /// <summary><c>suggested_reply</c>: message and examples as one text.</summary>
        public string SuggestedReply
        {
            get
            {
                var reply = new StringBuilder(Message);
                if (Examples.Count > 0)
                {
                    reply.Append(Language == TdlnLanguage.Portuguese ? "\nExemplos:" : "\nExamples:");
                }
                foreach (var example in Examples)
                {
                    reply.Append("\n- ").Append(example);
                }
                return reply.ToString();
            }
        }
    }
}

/// <summary>Something wrong in the text: JSON Pointer into the span (or <c>/paragraph</c>), the rule, and a message with what was found and what is accepted.</summary>
/// <param name="Path">Where; the span keeps the value as it was written.</param>
/// <param name="Keyword"><c>normalize</c> (cannot be read), <c>grammar</c> (words that belong to no field), <c>consistency</c> (given twice, differently).</param>
/// <param name="Message">In the language of the text.</param>
public sealed record TdlnFault(string Path, string Keyword, string Message);

/// <summary>Why there is no span.</summary>
public enum TdlnRefusal
{
    /// <summary>There is nothing to read.</summary>
    Empty,

    /// <summary>More than <see cref="TdlnGrammar.MaxCharacters"/> characters.</summary>
    TooLong,

    /// <summary>Half of a surrogate pair, U+FFFE, or a context that has no canonical form.</summary>
    Unreadable,

    /// <summary>No phrase matches, or the hint or the span names no intent that a client can send.</summary>
    UnknownIntent,

    /// <summary>Several intents match equally, or text and hint name different ones.</summary>
    Ambiguous,

    /// <summary>The text would change what the span says: another intent, a signed span, a document that the intent does not take.</summary>
    Contradiction,
}

/// <summary><c>compiled_hash</c> (contract, section 5): the same input always gives the same.</summary>
public static class CompiledHash
{
    /// <summary>BLAKE3 of a canonical span without <c>this</c>, <c>ts</c> and <c>prev</c>.</summary>
    public static string Of(JsonElement span)
    {
        var bare = CanonicalJson.Compose(json =>
        {
            json.WriteStartObject();
            foreach (var member in span.EnumerateObject().Where(member => member.Name is not ("this" or "ts" or "prev")))
            {
                member.WriteTo(json);
            }
            json.WriteEndObject();
        });
        return ContentHash.Of(bare.Utf8.Span);
    }
}
