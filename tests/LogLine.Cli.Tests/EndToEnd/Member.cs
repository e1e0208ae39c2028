using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

/// <summary>A person with a registered key at the gateway, and a MiniContainer whose name nobody else has.</summary>
internal sealed class Member : IDisposable
{
    private Member(Terminal terminal) => Terminal = terminal;

    public Terminal Terminal { get; }

    /// <summary>A name of its own.</summary>
    public string Name { get; } = "t" + Guid.NewGuid().ToString("N")[..12];

    public string Subject => $"urn:minicontainer:dev/{Name}";

    public static async Task<Member> JoinAsync(GatewayProcess gateway)
    {
        var member = new Member(new Terminal { Time = TimeProvider.System });
        (await member.RunAsync("init", "--bootstrap", gateway.BootstrapFile)).Expect(0);
        return member;
    }

    public Task<Spoken> RunAsync(params string[] args) => Terminal.RunAsync(args);

    /// <summary>A manifest that runs a shell command, unsigned.</summary>
    public string Manifest(string image = "localhost/none:1", string script = "true", string ports = "", string tenant = "dev") => Terminal.Write($"{Name}.json",
        $$"""
        {"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_1","tenant":"{{tenant}}"},
         "deploy":{"engine":"container","image":"{{image}}","entrypoint":["sh","-c","{{script}}"]{{(ports.Length == 0 ? "" : $",\"ports\":[{ports}]")}}},
         "ts":"2025-11-17T13:37:00Z"}
        """);

    /// <summary>Applies a manifest.</summary>
    /// <returns>Its ref.</returns>
    public async Task<string> ApplyAsync(string manifest) => (await RunAsync("minicontainer", "apply", manifest, "--json")).Expect(0).Json.Text("ref")!;

    public void Dispose() => Terminal.Dispose();
}
