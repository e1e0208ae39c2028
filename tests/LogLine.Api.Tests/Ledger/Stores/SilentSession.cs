using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace LogLine.Api.Tests.Ledger.Stores;

/// <summary>
/// A session on PostgreSQL as a gateway's is when its process is stopped: the words of the protocol by hand, since a client library never stops between two of them. It has begun a
/// transaction and run a statement, and says no more; its connection stays open.
/// </summary>
internal sealed class SilentSession : IDisposable
{
    private const int Protocol3 = 196608;
    private readonly NetworkStream _stream;

    private SilentSession(NetworkStream stream) => _stream = stream;

    /// <summary>Connects, and locks what a statement locks.</summary>
    /// <param name="connection">The connection string of a server with a Unix socket, which trusts.</param>
    /// <param name="sql">The statement.</param>
    /// <param name="midway">True to stop in the middle of a pipeline; false between two.</param>
    public static async Task<SilentSession> LockAsync(string connection, string sql, bool midway)
    {
        var settings = new NpgsqlConnectionStringBuilder(connection);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint($"{settings.Host}/.s.PGSQL.5432"), TestContext.Current.CancellationToken);
        var session = new SilentSession(new NetworkStream(socket, ownsSocket: true));
        await session.SayAsync([.. Length(8 + Utf8(Strings()).Length), .. Number(Protocol3), .. Utf8(Strings())]);
        await session.HearAsync('Z', 1);
        await session.SayAsync([.. Statement("BEGIN"), .. Statement(sql), .. Message(midway ? 'H' : 'S')]); // flush, or sync
        await (midway ? session.HearAsync('C', 2) : session.HearAsync('Z', 1));
        return session;

        string Strings() => $"user\0{settings.Username}\0database\0{settings.Database}\0application_name\0logline\0\0";
    }

    private static byte[] Statement(string sql) => [.. Message('P', Utf8($"\0{sql}\0\0\0")), .. Message('B', new byte[8]), .. Message('E', new byte[5])]; // parse, bind, execute

    private static byte[] Message(char type, params byte[] body) => [(byte)type, .. Length(4 + body.Length), .. body];

    private static byte[] Length(int length) => Number(length);

    private static byte[] Number(int number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return bytes;
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private async Task SayAsync(byte[] bytes) => await _stream.WriteAsync(bytes, TestContext.Current.CancellationToken);

    /// <summary>Reads until so many messages of a type have come.</summary>
    private async Task HearAsync(char type, int count)
    {
        var head = new byte[5];
        while (count > 0)
        {
            await _stream.ReadExactlyAsync(head, TestContext.Current.CancellationToken);
            var body = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1)) - 4];
            await _stream.ReadExactlyAsync(body, TestContext.Current.CancellationToken);
            Assert.True(head[0] != 'E', Encoding.UTF8.GetString(body));
            count -= head[0] == type ? 1 : 0;
        }
    }

    public void Dispose() => _stream.Dispose();
}
