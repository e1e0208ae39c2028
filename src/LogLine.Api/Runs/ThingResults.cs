namespace LogLine.Api.Runs;

/// <summary>Images that the tenant can use, as far as they fit.</summary>
public sealed record ImageList(IReadOnlyList<ImageItem> Images, bool Truncated);

/// <summary>An image in a list, with the references that the tenant may see.</summary>
public sealed record ImageItem(string ImageId, IReadOnlyList<string> References, long SizeBytes, string CreatedAt);

/// <summary>An image. <paramref name="Env"/> holds names alone.</summary>
public sealed record ImageView(
    string ImageId, IReadOnlyList<string> References, IReadOnlyList<string> Digests, string? CreatedAt, long SizeBytes, string? Architecture, string? OperatingSystem,
    IReadOnlyList<string> Argv, IReadOnlyList<string> Env, string? User, string? Workdir, IReadOnlyDictionary<string, string> Labels);

/// <summary>A layer of an image, newest first.</summary>
public sealed record ImageLayer(string CreatedAt, string CreatedBy, long SizeBytes, string Comment);

/// <summary>Layers of an image.</summary>
public sealed record ImageHistory(IReadOnlyList<ImageLayer> Layers, bool Truncated);

/// <summary>A reference that is gone; the image itself goes with its last one.</summary>
public sealed record ImageRemoved(string Image, bool Removed);

/// <summary>
/// What a build brought. <paramref name="Error"/> is there when it failed, in the engine's words, and <paramref name="ImageId"/> when it did not;
/// <paramref name="Output"/> is what it said last.
/// </summary>
public sealed record ImageBuilt(string Image, string? ImageId, string Output, bool Truncated, long DurationMs, string? Error);

/// <summary>An image as an artifact.</summary>
public sealed record ImageSaved(string Image, string ImageId, string Artifact, long Bytes);

/// <summary>An image that a registry has now.</summary>
public sealed record ImagePushed(string Image, string To, string ImageId);

/// <summary>A network of the tenant; <paramref name="Containers"/> are the tenant's in it, absent in lists. Of one that is not there any more its name and its containers are known.</summary>
public sealed record NetworkView(string Name, string? CreatedAt, bool? Internal, IReadOnlyList<NetworkMember>? Containers, IReadOnlyDictionary<string, string> Labels);

/// <summary>A container in a network.</summary>
public sealed record NetworkMember(string Name, string? Address);

/// <summary>Networks of the tenant.</summary>
public sealed record NetworkViews(IReadOnlyList<NetworkView> Networks, bool Truncated);

/// <summary>A volume of the tenant.</summary>
public sealed record VolumeView(string Name, string? CreatedAt, IReadOnlyDictionary<string, string> Labels);

/// <summary>Volumes of the tenant.</summary>
public sealed record VolumeViews(IReadOnlyList<VolumeView> Volumes, bool Truncated);

/// <summary>A network or volume that is gone.</summary>
public sealed record ThingRemoved(string Name, bool Removed);
