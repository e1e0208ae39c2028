using LogLine.Protocol.MiniContainers;

namespace LogLine.Protocol.Tests.MiniContainers;

/// <summary>One name for an image, whatever an engine would make of what was written.</summary>
public sealed class ImageNameTests
{
    [Theory]
    [InlineData("nginx", "docker.io/library/nginx:latest")]
    [InlineData("nginx:1.27", "docker.io/library/nginx:1.27")]
    [InlineData("vv/app:1", "docker.io/vv/app:1")]
    [InlineData("docker.io/nginx", "docker.io/library/nginx:latest")]
    [InlineData("index.docker.io/vv/app", "docker.io/vv/app:latest")]
    [InlineData("ghcr.io/vv/app", "ghcr.io/vv/app:latest")]
    [InlineData("localhost/vv/app:1", "localhost/vv/app:1")]
    [InlineData("localhost:5000/app", "localhost:5000/app:latest")]
    [InlineData("registry:5000/app:2", "registry:5000/app:2")]
    [InlineData("nginx@sha256:00", "docker.io/library/nginx@sha256:00")]
    [InlineData("nginx:1@sha256:00", "docker.io/library/nginx:1@sha256:00")]
    [InlineData("sha256:app", "docker.io/library/sha256:app")]
    [InlineData("0123456789ab", "0123456789ab")]
    [InlineData("sha256:0123456789ab", "sha256:0123456789ab")]
    public void Full_IsWhatDockerWouldMakeOfIt(string image, string full)
    {
        Assert.Equal(full, ImageName.Full(image));
        Assert.Equal(full, ImageName.Full(full));
        Assert.Null(ImageName.Problem(image));
    }

    [Theory]
    [InlineData("containers-storage:localhost/other/app:1")]
    [InlineData("docker-archive:5000/etc/passwd")]
    [InlineData("docker://nginx")]
    [InlineData("oci:x/y")]
    [InlineData("dir:tmp/x")]
    [InlineData("registry:/app")]
    public void Transport_IsNoRegistry(string image) => Assert.Contains("no registry", ImageName.Problem(image));

    [Theory]
    [InlineData("a/../b")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("a:b:c")]
    [InlineData("a:")]
    [InlineData("a:-b")]
    [InlineData("a@b")]
    [InlineData("UPPER/case")]
    [InlineData("Localhost/vv/app:1")]
    [InlineData("a_")]
    [InlineData("a___b")]
    [InlineData("localhost/dev/a.")]
    [InlineData("nginx\n")]
    [InlineData("")]
    public void WhatEnginesReadEachInItsOwnWay_IsNoReference(string image) => Assert.Contains("is no reference", ImageName.Problem(image));
}
