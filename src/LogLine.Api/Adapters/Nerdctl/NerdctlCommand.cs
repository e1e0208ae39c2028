using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>What a command line is asked for, one record for each verb; <see cref="NerdctlCommands.ToArgs"/> makes the arguments of it.</summary>
/// <param name="Operation">What is done, in the words that metrics and traces have for the same call of the Engine API.</param>
internal abstract record NerdctlCommand(string Operation);

/// <summary>What the program is.</summary>
internal sealed record NerdctlVersion() : NerdctlCommand("tell its version");

/// <summary>What it runs on.</summary>
internal sealed record NerdctlInfo() : NerdctlCommand("tell what it is");

/// <summary>Ids of the containers with a label.</summary>
internal sealed record NerdctlList(string Label) : NerdctlCommand("list containers");

/// <summary>Containers in full.</summary>
internal sealed record NerdctlInspect(params IReadOnlyList<string> Ids) : NerdctlCommand("show a container");

/// <summary>A new container. Its variables are in a file: the arguments of a process are there for all to read.</summary>
internal sealed record NerdctlCreate(string Name, ContainerRequest Request, string? EnvFile) : NerdctlCommand("create a container");

/// <summary>A verb that wants the container and nothing else: <c>start</c>, <c>pause</c>, <c>unpause</c>, <c>wait</c>, <c>diff</c>.</summary>
internal sealed record NerdctlAct(string Verb, string Id) : NerdctlCommand(Verb switch { "wait" => "wait for a container", "diff" => "list what a container has changed", _ => Verb + " a container" });

/// <summary><c>stop</c> or <c>restart</c>, with the seconds until it is killed.</summary>
internal sealed record NerdctlEnd(string Verb, string Id, int GraceSeconds) : NerdctlCommand(Verb + " a container");

/// <summary>A signal.</summary>
internal sealed record NerdctlKill(string Id, string Signal) : NerdctlCommand("kill a container");

/// <summary>Another name.</summary>
internal sealed record NerdctlRename(string Id, string Name) : NerdctlCommand("rename a container");

/// <summary>Away with it.</summary>
internal sealed record NerdctlRemove(string Id, bool Force, bool Volumes) : NerdctlCommand("remove a container");

/// <summary>What it said; all of it without <paramref name="Tail"/>.</summary>
internal sealed record NerdctlLogs(string Id, DateTimeOffset? Since, bool Follow) : NerdctlCommand("show the output of a container");

/// <summary>A command inside it.</summary>
internal sealed record NerdctlExec(string Id, ExecRequest Request, string? EnvFile) : NerdctlCommand("run a command");

/// <summary>Its processes.</summary>
internal sealed record NerdctlTop(string Id) : NerdctlCommand("list the processes of a container");

/// <summary>Limits while it runs.</summary>
internal sealed record NerdctlUpdate(string Id, ResourceView Limits) : NerdctlCommand("limit a container");

/// <summary>An image of it.</summary>
internal sealed record NerdctlCommit(string Id, string Image, IReadOnlyList<string> Changes) : NerdctlCommand("commit a container");

/// <summary>A tar from standard input into it.</summary>
internal sealed record NerdctlCopyTo(string Id, string Path) : NerdctlCommand("unpack files in a container");

/// <summary>A tar of it to standard output.</summary>
internal sealed record NerdctlCopyFrom(string Id, string Path) : NerdctlCommand("pack files of a container");

/// <summary>Ids of all images.</summary>
internal sealed record NerdctlImages() : NerdctlCommand("list images");

/// <summary>Images in full.</summary>
internal sealed record NerdctlInspectImages(params IReadOnlyList<string> References) : NerdctlCommand("show an image");

/// <summary>Layers of an image.</summary>
internal sealed record NerdctlHistory(string Image) : NerdctlCommand("show the history of an image");

/// <summary><c>pull</c> or <c>push</c>; <paramref name="Unencrypted"/> is the flag that lets it speak without TLS, where it is wanted.</summary>
internal sealed record NerdctlTransfer(string Verb, string Image, string? Unencrypted) : NerdctlCommand(Verb == "push" ? "push an image" : "fetch the image");

/// <summary>Another name of an image.</summary>
internal sealed record NerdctlTag(string Image, string Name) : NerdctlCommand("tag an image");

/// <summary>A name of an image less.</summary>
internal sealed record NerdctlUntag(string Name) : NerdctlCommand("remove an image");

/// <summary>An image to standard output.</summary>
internal sealed record NerdctlSave(string Image) : NerdctlCommand("save an image");

/// <summary>Images from standard input.</summary>
internal sealed record NerdctlLoad() : NerdctlCommand("load an image");

/// <summary>An image of the context in a folder.</summary>
internal sealed record NerdctlBuild(BuildOrder Order, string Folder) : NerdctlCommand("build an image");

/// <summary>Names of the networks or volumes with a label; <paramref name="What"/> is <c>network</c> or <c>volume</c>.</summary>
internal sealed record NerdctlListThings(string What, string Label) : NerdctlCommand($"list {What}s");

/// <summary>Networks or volumes in full.</summary>
internal sealed record NerdctlInspectThings(string What, params IReadOnlyList<string> Names) : NerdctlCommand("show a " + What);

/// <summary>A new network or volume.</summary>
internal sealed record NerdctlCreateThing(string What, string Name, IReadOnlyDictionary<string, string> Labels, bool Internal) : NerdctlCommand("create a " + What);

/// <summary>A network or volume less.</summary>
internal sealed record NerdctlRemoveThing(string What, string Name) : NerdctlCommand("remove a " + What);

/// <summary>A container into a network.</summary>
internal sealed record NerdctlConnect(string Network, string Container, string Alias) : NerdctlCommand("connect a container");

/// <summary>A container out of a network.</summary>
internal sealed record NerdctlDisconnect(string Network, string Container, bool Force) : NerdctlCommand("disconnect a container");
