using System.Diagnostics;
using System.Text.RegularExpressions;
using LogLine.Api.Ledger;
using LogLine.Api.Secrets;
using LogLine.Api.Tests.Checkout;
using LogLine.Api.Tests.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using YamlDotNet.RepresentationModel;

namespace LogLine.Api.Tests.Deploy;

/// <summary>Dockerfile, docker-compose.yml and deploy/kubernetes: what they name is there, and what they set is read.</summary>
public sealed partial class DeployFileTests
{
    private static readonly double DrainSeconds = double.Parse(Assert.Single(DockerEnvironment(), pair => pair.Key == "LogLine__DrainSeconds").Value, System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public void Dockerfile_SetsWhatIsRead_AndRunsAsNobodySpecial()
    {
        var dockerfile = File.ReadAllText(Repository.At("Dockerfile"));

        Settings.AssertRead(DockerEnvironment().Keys);
        Assert.Contains($"EXPOSE {DockerEnvironment()["ASPNETCORE_HTTP_PORTS"]}\n", dockerfile, StringComparison.Ordinal);
        Assert.Matches("(?m)^USER [1-9][0-9]{3,}:[1-9][0-9]{3,}$", dockerfile);
        Assert.Contains($"CMD [\"/app/LogLine.Api\", \"{HealthCommand.Name}\"]", dockerfile, StringComparison.Ordinal);
    }

    [Fact]
    public void Compose_NamesWhatThereIs_AndHasNoSecretInTheEnvironment()
    {
        var compose = Yaml.Read("docker-compose.yml").Single();
        var services = compose.Members("services");
        Assert.Equal(["gateway", "postgres", "redis", "worker"], services.Keys.Order());
        foreach (var (name, service) in services)
        {
            Assert.All(service.Items("secrets"), secret => Assert.Contains(secret.Text("source") ?? secret.Text(), compose.Members("secrets").Keys));
            Assert.All(service.Items("networks"), network => Assert.Contains(network.Text(), compose.Members("networks").Keys));
            Assert.All(service.Members("depends_on").Keys, other => Assert.Contains(other, services.Keys));
            Assert.All(service.Items("volumes").Select(volume => volume.Text().Split(':')[0]).Where(volume => volume[0] is not ('/' or '.' or '$')), volume => Assert.Contains(volume, compose.Members("volumes").Keys));
            Assert.DoesNotContain(service.Texts("environment"), pair => Regex.IsMatch(pair.Key, "PASSWORD$|TOKEN$|KEY$", RegexOptions.IgnoreCase));
            if (name is "gateway" or "worker")
            {
                Settings.AssertRead(service.Texts("environment").Keys);
                Settings.AssertRead(service.Items("secrets").Select(secret => secret.Text("target")).OfType<string>());
                Assert.Equal(("true", "ALL"), (service.Text("read_only"), service.Items("cap_drop").Single().Text()));
                Assert.True(double.Parse(service.Text("stop_grace_period")!.TrimEnd('s'), System.Globalization.CultureInfo.InvariantCulture) > DrainSeconds + 8);
            }
        }
        Assert.EndsWith($":{DockerEnvironment()["ASPNETCORE_HTTP_PORTS"]}", services["worker"].Text("environment.LogLine__Worker__Gateway"), StringComparison.Ordinal);
        var secrets = services["worker"].Text("environment.LogLine__Runner__SecretsPath");
        Assert.Contains(services["worker"].Items("volumes"), volume => volume.Text() == $"{secrets}:{secrets}"); // the engine looks for them on the host
        var made = File.ReadAllText(Repository.At("deploy", "make-secrets"));
        Assert.All(compose.Members("secrets").Where(secret => secret.Key != "worker-token"), secret => Assert.Contains($"make {Path.GetFileName(secret.Value.Text("file"))} ", made, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Compose_IsTakenByDockerCompose()
    {
        if (!File.Exists("/usr/bin/docker-compose"))
        {
            Assert.False(System.Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1", "Missing: docker-compose.");
            Assert.Skip("docker-compose is not installed; tests/run installs it as root on Debian or Ubuntu.");
        }
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/docker-compose", ["-f", Repository.At("docker-compose.yml"), "config", "-q"]) { RedirectStandardError = true })!;
        var said = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(process.ExitCode == 0, said);
    }

    public static IEnumerable<TheoryDataRow<string>> Kustomizations() => [new("deploy/kubernetes"), new("deploy/kubernetes/worker")];

    [Theory]
    [MemberData(nameof(Kustomizations))]
    public async Task Kubernetes_ReferencesLeadSomewhere(string folder)
    {
        var (kustomization, all) = Read(folder);
        await using var gateway = await TestGateway.StartAsync();
        var routes = gateway.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Select(route => "/" + route.RoutePattern.RawText!.Trim('/')).ToList();
        var pods = all.Where(one => one.Text("kind") is "Deployment" or "StatefulSet").ToList();
        Assert.NotEmpty(pods);
        foreach (var pod in pods)
        {
            var spec = pod.Find("spec.template.spec");
            var containers = spec.Items("containers").ToList();
            Assert.Equal(pod.Texts("spec.selector.matchLabels"), pod.Texts("spec.template.metadata.labels"));
            Assert.True(int.Parse(spec.Text("terminationGracePeriodSeconds")!, System.Globalization.CultureInfo.InvariantCulture) > DrainSeconds + 8);
            foreach (var container in containers.Concat(spec.Items("initContainers")))
            {
                AssertConfined(spec!, container);
                var ports = container.Items("ports").Select(port => port.Text("name")).ToList();
                Settings.AssertRead(container.Items("env").Select(variable => variable.Text("name")!));
                Assert.All(new[] { "startupProbe", "readinessProbe", "livenessProbe" }.Select(probe => container.Find(probe + ".httpGet")).OfType<YamlNode>(), probe =>
                {
                    Assert.Contains(probe.Text("port"), ports);
                    Assert.Contains(probe.Text("path"), routes);
                });
                Assert.All(container.Items("volumeMounts"), mount => Assert.Contains(spec.Items("volumes"), volume => volume.Text("name") == mount.Text("name")));
                Assert.All(container.Items("env").Where(variable => variable.Text("name") == "LogLine__Runner__SecretsPath").Select(variable => variable.Text("value")), path =>
                {
                    var mount = Assert.Single(container.Items("volumeMounts"), mount => mount.Text("mountPath") == path);
                    Assert.Equal(path, Assert.Single(spec.Items("volumes"), volume => volume.Text("name") == mount.Text("name")).Text("hostPath.path")); // the engine looks for them on the node
                });
                Assert.Contains(kustomization.Items("images"), image => image.Text("name") == container.Text("image"));
            }
            Assert.All(spec.Items("volumes").Select(volume => volume.Text("secret.secretName")).OfType<string>(), secret => Assert.Contains(kustomization.Items("secretGenerator"), one => one.Text("name") == secret));
            Assert.All(spec.Items("volumes").Select(volume => volume.Text("persistentVolumeClaim.claimName")).OfType<string>(), claim => Assert.Contains(all, one => one.Text("kind") == "PersistentVolumeClaim" && one.Text("metadata.name") == claim));
        }
        foreach (var one in all)
        {
            AssertSelects(one, pods);
        }
    }

    [Theory]
    [MemberData(nameof(Kustomizations))]
    public async Task Kubernetes_IsOfItsOwnTypes(string folder)
    {
        var files = Yaml.Read(folder, "kustomization.yaml").Single().Items("resources").Select(file => Repository.At(folder, file.Text()));
        var said = await NodeTools.RunAsync(NodeTools.Folder("tests", "kubernetes"), new Dictionary<string, string>(), ["node", "check.mjs", .. files]);
        Assert.EndsWith(" manifests, 0 errors\n", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("readinessProbe:", "readynessProbe:")]
    [InlineData("replicas: 2", "replicas: two")]
    [InlineData("clusterIP: None", "clusterIP: { none: true }")]
    public async Task Kubernetes_WhatIsNotOfItsTypesIsFound(string right, string wrong)
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("logline-manifest-").FullName, "gateway.yaml");
        try
        {
            var text = await File.ReadAllTextAsync(Repository.At("deploy", "kubernetes", "gateway.yaml"), TestContext.Current.CancellationToken);
            Assert.Contains(right, text, StringComparison.Ordinal);
            await File.WriteAllTextAsync(file, text.Replace(right, wrong, StringComparison.Ordinal), TestContext.Current.CancellationToken);
            var found = await Assert.ThrowsAnyAsync<Exception>(() => NodeTools.RunAsync(NodeTools.Folder("tests", "kubernetes"), new Dictionary<string, string>(), "node", "check.mjs", file));
            Assert.Contains("5 manifests, 1 errors", found.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
    }

    [Fact]
    public void Kubernetes_GatewaysAreTwo_AndNeverBothAway()
    {
        var (kustomization, all) = Read("deploy/kubernetes");
        var gateway = all.Single(one => one.Text("kind") == "StatefulSet");
        var container = gateway.Items("spec.template.spec.containers").Single();

        Assert.Equal(("2", "RollingUpdate"), (gateway.Text("spec.replicas"), gateway.Text("spec.updateStrategy.type")));
        Assert.Contains(all, one => one.Text("kind") == "Service" && one.Text("metadata.name") == gateway.Text("spec.serviceName") && one.Text("spec.clusterIP") == "None");
        Assert.Equal("1", all.Single(one => one.Text("kind") == "PodDisruptionBudget").Text("spec.minAvailable"));
        Assert.Contains(container.Items("ports"), port => port.Text("containerPort") == DockerEnvironment()["ASPNETCORE_HTTP_PORTS"]);
        Assert.Contains(container.Items("ports"), port => container.Items("env").Single(one => one.Text("name") == "LogLine__Metrics__Url").Text("value")!.EndsWith(":" + port.Text("containerPort"), StringComparison.Ordinal));
        var settings = kustomization.Items("secretGenerator").Single(one => one.Text("name") == "logline-settings").Items("files").Select(file => file.Text().Split('=')[0]);
        Settings.AssertRead(settings);
    }

    [Fact]
    public void Kubernetes_HandsOutTheKeysThatAreMade()
    {
        var folder = Directory.CreateTempSubdirectory("logline-keys-").FullName;
        try
        {
            ServerKeys.Open(folder, create: true).Dispose();
            RunnerKeys.Open(folder).Dispose();
            var handed = Read("deploy/kubernetes").Kustomization.Items("secretGenerator").Single(one => one.Text("name") == "logline-keys").Items("files").Select(file => Path.GetFileName(file.Text()));

            Assert.Equal(Directory.GetFiles(folder, "*.key").Select(Path.GetFileName).Where(key => key != "runner.key").Order(), handed.Order());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (YamlNode Kustomization, List<YamlNode> All) Read(string folder)
    {
        var kustomization = Yaml.Read(folder, "kustomization.yaml").Single();
        return (kustomization, [.. kustomization.Items("resources").SelectMany(file => Yaml.Read(folder, file.Text()))]);
    }

    /// <summary>What the profile "restricted" of Kubernetes asks of a pod, and a root that cannot be written.</summary>
    private static void AssertConfined(YamlNode pod, YamlNode container)
    {
        Assert.Equal(("true", "RuntimeDefault"), (pod.Text("securityContext.runAsNonRoot"), pod.Text("securityContext.seccompProfile.type")));
        Assert.Equal(("false", "true", "ALL"), (container.Text("securityContext.allowPrivilegeEscalation"), container.Text("securityContext.readOnlyRootFilesystem"), container.Items("securityContext.capabilities.drop").Single().Text()));
        Assert.NotNull(container.Text("resources.limits.memory"));
    }

    private static void AssertSelects(YamlNode one, List<YamlNode> pods)
    {
        var (selector, ports) = one.Text("kind") switch
        {
            "Service" => (one.Texts("spec.selector"), one.Items("spec.ports").Select(port => port.Text("targetPort"))),
            "PodDisruptionBudget" => (one.Texts("spec.selector.matchLabels"), []),
            "NetworkPolicy" => (one.Texts("spec.podSelector.matchLabels"), one.Items("spec.ingress").SelectMany(rule => rule.Items("ports")).Select(port => port.Text("port"))),
            _ => ([], []),
        };
        if (selector.Count > 0)
        {
            var pod = Assert.Single(pods, pod => selector.All(label => pod.Texts("spec.template.metadata.labels").GetValueOrDefault(label.Key) == label.Value));
            var names = pod.Items("spec.template.spec.containers").SelectMany(container => container.Items("ports")).Select(port => port.Text("name"));
            Assert.All(ports, port => Assert.Contains(port, names));
        }
    }

    private static Dictionary<string, string> DockerEnvironment() =>
        Environment().Match(File.ReadAllText(Repository.At("Dockerfile"))).Groups[1].Value.Split(' ').Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);

    [GeneratedRegex("(?m)^ENV (.*)$")]
    private static partial Regex Environment();
}
