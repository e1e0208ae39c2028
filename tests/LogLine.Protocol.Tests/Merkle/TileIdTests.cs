using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Tests.Merkle;

public sealed class TileIdTests
{
    [Theory]
    [InlineData(0, 0, 256, "tile/0/000")]
    [InlineData(0, 5, 1, "tile/0/005.p/1")]
    [InlineData(1, 999, 256, "tile/1/999")]
    [InlineData(1, 1000, 255, "tile/1/x001/000.p/255")]
    [InlineData(2, 1234067, 256, "tile/2/x001/x234/067")]
    [InlineData(63, 1, 12, "tile/63/001.p/12")]
    [InlineData(0, long.MaxValue, 256, "tile/0/x009/x223/x372/x036/x854/x775/807")]
    public void Tile_HasTheOnePathOfTheSpecification(int level, long index, int width, string path)
    {
        Assert.Equal(path, new TileId(level, index).Path(width));
        Assert.True(TileId.TryParse(path, out var id, out var parsedWidth));
        Assert.Equal((new TileId(level, index), width), (id, parsedWidth));
    }

    [Theory]
    [InlineData("")]
    [InlineData("tile/")]
    [InlineData("tile/0")]
    [InlineData("tile/0/")]
    [InlineData("tile/0/0")]
    [InlineData("tile/0/1000")]
    [InlineData("tile/00/000")]
    [InlineData("tile/64/000")]
    [InlineData("tile/-1/000")]
    [InlineData("tile/0/x000/001")]
    [InlineData("tile/0/x001/x000")]
    [InlineData("tile/0/001/002")]
    [InlineData("tile/0/000.p/0")]
    [InlineData("tile/0/000.p/256")]
    [InlineData("tile/0/000.p/01")]
    [InlineData("tile/0/000.p/")]
    [InlineData("tile/0/000.p/1/")]
    [InlineData("/tile/0/000")]
    [InlineData("tile/0/../../etc")]
    [InlineData("tile/0/x009/x223/x372/x036/x854/x775/808")]
    [InlineData("tile/0/x999/x999/x999/x999/x999/x999/x999/999")]
    [InlineData("tile/0/٠٠٠")]
    public void OtherSpelling_IsRefused(string path) => Assert.False(TileId.TryParse(path, out _, out _));

    [Theory]
    [InlineData(0)]
    [InlineData(257)]
    public void WidthOutsideTheTile_IsADefect(int width) => Assert.Throws<ArgumentOutOfRangeException>(() => new TileId(0, 0).Path(width));
}
