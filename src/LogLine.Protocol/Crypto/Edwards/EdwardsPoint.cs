namespace LogLine.Protocol.Crypto.Edwards;

/// <summary>
/// A point of edwards25519 (RFC 8032, section 5.1) in extended coordinates: x = X/Z, y = Y/Z, T = XY/Z. The one formula for sums is complete: it holds for any two points,
/// the same one twice too.
/// </summary>
internal readonly struct EdwardsPoint(FieldElement x, FieldElement y, FieldElement z, FieldElement t)
{
    /// <summary>Twice the curve's d = −121665/121666.</summary>
    public static FieldElement TwiceD { get; } = -(FieldElement.Of(2 * 121665) * FieldElement.Of(121666).Inverted());

    /// <summary>The neutral point.</summary>
    public static EdwardsPoint Neutral => new(FieldElement.Zero, FieldElement.One, FieldElement.One, FieldElement.Zero);

    /// <summary>The base point B: y = 4/5, and x is even.</summary>
    public static EdwardsPoint Base { get; } = OfY(FieldElement.Of(4) * FieldElement.Of(5).Inverted(), isOdd: false)!.Value;

    public FieldElement X { get; } = x;

    public FieldElement Y { get; } = y;

    public FieldElement Z { get; } = z;

    public FieldElement T { get; } = t;

    /// <summary>Reads a point; null when the bytes are none (RFC 8032, section 5.1.3). Other spellings than its own are read as well.</summary>
    public static EdwardsPoint? Read(ReadOnlySpan<byte> bytes) => OfY(FieldElement.Read(bytes), (bytes[31] & 0x80) != 0);

    /// <summary>Writes its one spelling: y, and in the highest bit whether x is odd.</summary>
    public void Write(Span<byte> bytes)
    {
        var inverse = Z.Inverted();
        (Y * inverse).Write(bytes);
        bytes[31] |= (X * inverse).IsOdd ? (byte)0x80 : (byte)0;
    }

    public static EdwardsPoint operator -(in EdwardsPoint point) => new(-point.X, point.Y, point.Z, -point.T);

    /// <summary>"add-2008-hwcd-3" (Hisil, Wong, Carter, Dawson).</summary>
    public static EdwardsPoint operator +(in EdwardsPoint p, in EdwardsPoint q)
    {
        var a = (p.Y - p.X) * (q.Y - q.X);
        var b = (p.Y + p.X) * (q.Y + q.X);
        var c = p.T * TwiceD * q.T;
        var d = p.Z * (q.Z + q.Z);
        var (e, f, g, h) = (b - a, d - c, d + c, b + a);
        return new(e * f, g * h, f * g, e * h);
    }

    /// <summary>The point with this y. x² = (y² − 1) / (dy² + 1), whose root is uv³(uv⁷)^((p−5)/8), perhaps times a root of −1.</summary>
    private static EdwardsPoint? OfY(FieldElement y, bool isOdd)
    {
        var square = y.Squared();
        var u = square - FieldElement.One;
        var v = square * TwiceD + FieldElement.Of(2); // both doubled: a half of d is not at hand
        u += u;
        var cube = v.Squared() * v;
        var x = u * cube * (u * cube.Squared() * v).ToRoot();
        var found = v * x.Squared();
        if (!(found - u).IsZero)
        {
            if (!(found + u).IsZero)
            {
                return null;
            }
            x *= FieldElement.RootOfMinusOne;
        }
        if (x.IsZero && isOdd)
        {
            return null;
        }
        x = x.IsOdd == isOdd ? x : -x;
        return new(x, y, FieldElement.One, x * y);
    }
}
