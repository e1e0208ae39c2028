using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>What a command line is asked for, one record for each verb; <see cref="NerdctlCommands.ToArgs"/> makes the arguments of it.</summary>
internal abstract record NerdctlCommand;

/// <summary>What the program is.</summary>
internal sealed record NerdctlVersion : NerdctlCommand;

/// <summary>What it runs on.</summary>
internal sealed record NerdctlInfo : NerdctlCommand;

/// <summary>Ids of the containers with a label.</summary>
internal sealed record NerdctlList(string Label) : NerdctlCommand;

/// <summary>Containers in full.</summary>
internal sealed record NerdctlInspect(params IReadOnlyList<string> Ids) : NerdctlCommand;

/// <summary>A new container. Its variables are in a file: the arguments of a process are there for all to read.</summary>
internal sealed record NerdctlCreate(string Name, ContainerRequest Request, string? EnvFile) : NerdctlCommand;

/// <summary>A verb that wants the container and nothing else: <c>start</c>, <c>pause</c>, <c>unpause</c>, <c>wait</c>, <c>diff</c>.</summary>
internal sealed record NerdctlAct(string Verb, string Id) : NerdctlCommand;

/// <summary><c>stop</c> or <c>restart</c>, with the seconds until it is killed.</summary>
internal sealed record NerdctlEnd(string Verb, string Id, int GraceSeconds) : NerdctlCommand;

/// <summary>A signal.</summary>
internal sealed record NerdctlKill(string Id, string Signal) : NerdctlCommand;

/// <summary>Another name.</summary>
internal sealed record NerdctlRename(string Id, string Name) : NerdctlCommand;

/// <summary>Away with it.</summary>
internal sealed record NerdctlRemove(string Id, bool Force, bool Volumes) : NerdctlCommand;

/// <summary>What it said; all of it without <paramref name="Tail"/>.</summary>
internal sealed record NerdctlLogs(string Id, int? Tail, DateTimeOffset? Since, bool Follow) : NerdctlCommand;

/// <summary>A command inside it.</summary>
internal sealed record NerdctlExec(string Id, ExecRequest Request, string? EnvFile) : NerdctlCommand;

/// <summary>Its processes.</summary>
internal sealed record NerdctlTop(string Id) : NerdctlCommand;

/// <summary>Limits while it runs.</summary>
internal sealed record NerdctlUpdate(string Id, ResourceView Limits) : NerdctlCommand;

/// <summary>An image of it.</summary>
internal sealed record NerdctlCommit(string Id, string Image, IReadOnlyList<string> Changes) : NerdctlCommand;

/// <summary>A tar from standard input into it.</summary>
internal sealed record NerdctlCopyTo(string Id, string Path) : NerdctlCommand;

/// <summary>A tar of it to standard output.</summary>
internal sealed record NerdctlCopyFrom(string Id, string Path) : NerdctlCommand;

/// <summary>Ids of all images.</summary>
internal sealed record NerdctlImages : NerdctlCommand;

/// <summary>Images in full.</summary>
internal sealed record NerdctlInspectImages(params IReadOnlyList<string> References) : NerdctlCommand;

/// <summary>Layers of an image.</summary>
internal sealed record NerdctlHistory(string Image) : NerdctlCommand;

/// <summary><c>pull</c> or <c>push</c>; <paramref name="Unencrypted"/> is the flag that lets it speak without TLS, where it is wanted.</summary>
internal sealed record NerdctlTransfer(string Verb, string Image, string? Unencrypted) : NerdctlCommand;

/// <summary>Another name of an image.</summary>
internal sealed record NerdctlTag(string Image, string Name) : NerdctlCommand;

/// <summary>A name of an image less.</summary>
internal sealed record NerdctlUntag(string Name) : NerdctlCommand;

/// <summary>An image to standard output.</summary>
internal sealed record NerdctlSave(string Image) : NerdctlCommand;

/// <summary>Images from standard input.</summary>
internal sealed record NerdctlLoad : NerdctlCommand;

/// <summary>An image of the context in a folder.</summary>
internal sealed record NerdctlBuild(BuildOrder Order, string Folder) : NerdctlCommand;

/// <summary>Names of the networks or volumes with a label; <paramref name="What"/> is <c>network</c> or <c>volume</c>.</summary>
internal sealed record NerdctlListThings(string What, string Label) : NerdctlCommand;

/// <summary>Networks or volumes in full.</summary>
internal sealed record NerdctlInspectThings(string What, params IReadOnlyList<string> Names) : NerdctlCommand;

/// <summary>A new network or volume.</summary>
internal sealed record NerdctlCreateThing(string What, string Name, IReadOnlyDictionary<string, string> Labels, bool Internal) : NerdctlCommand;

/// <summary>A network or volume less.</summary>
internal sealed record NerdctlRemoveThing(string What, string Name) : NerdctlCommand;

/// <summary>A container into a network.</summary>
internal sealed record NerdctlConnect(string Network, string Container, string Alias) : NerdctlCommand;

/// <summary>A container out of a network.</summary>
internal sealed record NerdctlDisconnect(string Network, string Container, bool Force) : NerdctlCommand;
