using LogLine.Api.Errors;
using LogLine.Api.OpenApi;

namespace LogLine.Api.Delivery.Webhooks;

/// <summary>Words for webhooks (docs/adding-a-route.md).</summary>
internal static class WebhookDocs
{
    private static readonly Dictionary<string, ParameterDoc> Id = new() { ["id"] = new("Id of the webhook.", "wh_0123456789abcdef") };

    public static readonly RouteDoc Create = new("createWebhook", RouteTags.Webhooks, "Have events delivered to a URL", "Needs scope `webhook.create` and `read`. Deliveries follow Standard Webhooks, in order per subject, at least once.")
    {
        Access = RouteAccess.Writer,
        Body = MediaDoc.Json("webhook-request"),
        Answers = [new(201, "The webhook; the secret is shown this once.", MediaDoc.Json("webhook-issued"))],
    };

    public static readonly RouteDoc Delete = new("deleteWebhook", RouteTags.Webhooks, "Delete a webhook", "Needs scope `webhook.delete`. What waits for it is forgotten.")
    {
        Access = RouteAccess.Writer,
        Parameters = Id,
        Answers = [new(204, "Nothing is delivered to it from now on.")],
    };

    public static readonly RouteDoc Rotate = new("rotateWebhookSecret", RouteTags.Webhooks, "Give a webhook a new secret", "Needs scope `webhook.rotate`. Until `overlap_until` deliveries are signed with the old secret too.")
    {
        Access = RouteAccess.Writer,
        Parameters = Id,
        Body = MediaDoc.Json("webhook-rotation"),
        Answers = [new(200, "The new secret, shown this once.", MediaDoc.Json("webhook-issued"))],
    };

    public static readonly RouteDoc Replay = new("replayWebhook", RouteTags.Webhooks, "Deliver again", "Needs scope `webhook.replay`. One event (`seq`), all behind a place (`after`), or, with neither, the dead letters. A disabled webhook goes on.")
    {
        Access = RouteAccess.Writer,
        Parameters = Id,
        Body = MediaDoc.Json("webhook-replay"),
        Answers = [new(200, "It is on its way.", MediaDoc.Json("webhook-replayed"))],
    };

    public static readonly RouteDoc List = new("listWebhooks", RouteTags.Webhooks, "List webhooks", "The tenant's own.")
    {
        Answers = [new(200, "The webhooks.", MediaDoc.Json("webhook-page"))],
    };

    public static readonly RouteDoc Show = new("getWebhook", RouteTags.Webhooks, "Read a webhook", "As it stands now.")
    {
        Parameters = Id,
        Answers = [new(200, "The webhook.", MediaDoc.Json("webhook"))],
        Refusals = [RefusalCode.NotFound],
    };

    public static readonly RouteDoc Deliveries = new("listWebhookDeliveries", RouteTags.Webhooks, "Read the log of a webhook's deliveries", "Newest first; the log is bounded.")
    {
        Parameters = new Dictionary<string, ParameterDoc>(Id)
        {
            ["state"] = new("Only deliveries in this state.", "dead", """{"enum":["waiting","delivered","dead"],"type":"string"}"""),
            ["before"] = new("Only those before this seq: the cursor of the answer before.", "42", """{"type":"integer","minimum":0}"""),
            ["limit"] = new("Most items.", "100", """{"type":"integer","minimum":1,"maximum":1000,"default":100}"""),
        },
        Answers = [new(200, "The deliveries.", MediaDoc.Json("webhook-delivery-page"))],
        Refusals = [RefusalCode.NotFound, RefusalCode.SchemaInvalid],
    };
}
