using LogLine.Api.Artifacts;
using LogLine.Api.OpenApi;

namespace LogLine.Api.Submissions;

/// <summary>
/// The one door for binary content (contract, section 3): <c>PUT /v1/artifacts/{hash}</c> takes bytes and keeps them under their own hash, or keeps
/// nothing. A repetition changes nothing, so without a signature neither nonce nor timestamp is needed.
/// </summary>
internal static class ArtifactEndpoints
{
    public static void MapArtifactWrites(this IEndpointRouteBuilder routes)
    {
        var uploads = new UploadSeats(routes.ServiceProvider.GetRequiredService<ArtifactStore>().Options.Uploads);
        routes.MapPut("/v1/artifacts/{hash}", (HttpContext http, string hash, ArtifactDoor door) => door.PutAsync(http, hash, uploads)).Documented(ArtifactDocs.Put);
        routes.MapDelete("/v1/artifacts/{hash}", (HttpContext http, string hash, ArtifactDoor door) => door.RemoveAsync(http, hash)).Documented(ArtifactDocs.Remove);
    }
}
