using LogLine.Protocol.Tdln;

namespace LogLine.Protocol.Tests.Tdln;

/// <summary>Values as people write them, and the one form in which they are kept.</summary>
public sealed class NormaliserTests
{
    [Theory]
    [InlineData("pt", "PT")]
    [InlineData("PRT", "PT")]
    [InlineData("portugal", "PT")]
    [InlineData("Brasil", "BR")]
    [InlineData("BRAZIL", "BR")]
    [InlineData("usa", "US")]
    [InlineData("U.S.A.", "US")]
    [InlineData("os Estados Unidos", "US")]
    [InlineData("The Netherlands", "NL")]
    [InlineData("Países Baixos", "NL")]
    [InlineData("paises  baixos", "NL")]
    [InlineData("Reino Unido", "GB")]
    [InlineData("UK", "GB")]
    [InlineData("Guiné-Bissau", "GW")]
    [InlineData("guine bissau", "GW")]
    [InlineData("Côte d'Ivoire", "CI")]
    [InlineData("Costa do Marfim", "CI")]
    [InlineData("São Tomé e Príncipe", "ST")]
    [InlineData("Vietnã", "VN")]
    [InlineData("Vietname", "VN")]
    [InlineData("Irão", "IR")]
    [InlineData("no", "NO")]
    [InlineData("XX", null)]
    [InlineData("Korea", null)]
    [InlineData("Atlantis", null)]
    [InlineData("", null)]
    public void Country(string text, string? code) => Assert.Equal(code, Read("country", text));

    [Fact]
    public void EveryCountryOfIso3166_IsThere() => Assert.Equal(249, Countries.Count);

    [Theory]
    [InlineData("  joana   maria SILVA ", "Joana Maria Silva")]
    [InlineData("JOÃO DOS SANTOS E SILVA", "João dos Santos e Silva")]
    [InlineData("da silva", "Da Silva")]
    [InlineData("ana-maria o'neill", "Ana-Maria O'Neill")]
    [InlineData("Ronald McDonald", "Ronald McDonald")]
    [InlineData("jOANA lima", "Joana Lima")]
    [InlineData("joão paulo II", "João Paulo II")]
    [InlineData("j. r. r. tolkien", "J. R. R. Tolkien")]
    [InlineData("李小龙", "李小龙")]
    [InlineData("user@host", null)]
    [InlineData("Ana 2", null)]
    [InlineData("--", null)]
    public void PersonName(string text, string? name) => Assert.Equal(name, Read("person_name", text));

    [Theory]
    [InlineData("Joana Maria Silva", "joana_m_silva")]
    [InlineData("John Doe", "john_doe")]
    [InlineData("Ana", "ana")]
    [InlineData("Joana Maria Clara Silva", "joana_m_c_silva")]
    [InlineData("João dos Santos", "joao_d_santos")]
    [InlineData("Ana-Maria O'Neill", "anamaria_oneill")]
    [InlineData("Søren Weiß", "soren_weiss")]
    [InlineData("joana_m_silva", "joana_m_silva")]
    [InlineData("李小龙", "p_6db5d357e7a354fb")]
    public void PersonSlug(string name, string slug)
    {
        Assert.Equal(slug, Read("person_slug", name));
        Assert.True(Protocol.MiniContainers.Identifiers.IsName(slug));
    }

    [Theory]
    [InlineData("17/11/2025", "2025-11-17T00:00:00Z")]
    [InlineData("7-1-2025", "2025-01-07T00:00:00Z")]
    [InlineData("17.11.2025", "2025-11-17T00:00:00Z")]
    [InlineData("2025-11-17", "2025-11-17T00:00:00Z")]
    [InlineData("17 de novembro de 2025", "2025-11-17T00:00:00Z")]
    [InlineData("1 de MARÇO de 2024", "2024-03-01T00:00:00Z")]
    [InlineData("November 17 2025", "2025-11-17T00:00:00Z")]
    [InlineData("29/02/2024", "2024-02-29T00:00:00Z")]
    [InlineData("2025-11-17T13:00:00Z", "2025-11-17T13:00:00Z")]
    [InlineData("2025-11-17T10:00:00.5-03:00", "2025-11-17T13:00:00.5Z")]
    [InlineData("29/02/2025", null)]
    [InlineData("11/17/2025", null)]
    [InlineData("17/11/25", null)]
    [InlineData("hoje", null)]
    [InlineData("2025-11-17T13:00:00", null)]
    public void Instant(string text, string? instant) => Assert.Equal(instant, Read("date_time", text));

    [Theory]
    [InlineData("17/11/1990", "1990-11-17")]
    [InlineData("1990-11-17", "1990-11-17")]
    [InlineData("0/1/1990", null)]
    [InlineData("1/13/1990", null)]
    public void Day(string text, string? day) => Assert.Equal(day, Read("date", text));

    [Theory]
    [InlineData("+351 912 345 678", null, "+351912345678")]
    [InlineData("00351912345678", null, "+351912345678")]
    [InlineData("(+1) 212-555-0100", null, "+12125550100")]
    [InlineData("912 345 678", "PT", "+351912345678")]
    [InlineData("(11) 98765-4321", "BR", "+5511987654321")]
    [InlineData("020 7946 0018", "GB", "+442079460018")]
    [InlineData("98765-4321", "BR", null)]
    [InlineData("912 345 678", null, null)]
    [InlineData("912 345 678", "AQ", null)]
    [InlineData("+44 (0)20 7946 0018", null, null)]
    [InlineData("call me", "PT", null)]
    [InlineData("+0123456789", null, null)]
    public void Phone(string text, string? country, string? number) => Assert.Equal(number, Read("phone", text, country));

    [Theory]
    [InlineData("Sim", true)]
    [InlineData("YES", true)]
    [InlineData("ok", true)]
    [InlineData("1", true)]
    [InlineData("não", false)]
    [InlineData("NAO", false)]
    [InlineData("no", false)]
    [InlineData("0", false)]
    [InlineData("maybe", null)]
    public void Boolean(string text, bool? flag) => Assert.Equal(flag, Read("boolean", text));

    [Theory]
    [InlineData(" Joana@EX.com ", "joana@ex.com")]
    [InlineData("<a@b.pt>", "a@b.pt")]
    [InlineData("mailto:A@b.pt", "a@b.pt")]
    [InlineData("a@b@c", null)]
    [InlineData("a b@c.pt", null)]
    [InlineData("@c.pt", null)]
    public void Email(string text, string? address) => Assert.Equal(address, Read("email", text));

    [Theory]
    [InlineData("Example.com/Path?Q=1", "https://example.com/Path?Q=1")]
    [InlineData("HTTP://Example.com:8080", "http://example.com:8080")]
    [InlineData("ftp://example.com", null)]
    [InlineData("https://user@example.com", null)]
    [InlineData("https://", null)]
    [InlineData("nothing", null)]
    public void Url(string text, string? url) => Assert.Equal(url, Read("url", text));

    [Theory]
    [InlineData("9007199254740991", 9007199254740991L)]
    [InlineData("9007199254740992", null)]
    [InlineData("-3", -3L)]
    [InlineData("1,5", null)]
    public void Integer(string text, long? number) => Assert.Equal(number, Read("integer", text));

    [Theory]
    [InlineData("provider", "K8s", "kubernetes")]
    [InlineData("provider", "Podman", "podman")]
    [InlineData("provider", "/run/x.sock", null)]
    [InlineData("name", "Web", "web")]
    [InlineData("name", "my web", null)]
    [InlineData("run_id", "RUN_ABC", "run_abc")]
    [InlineData("run_id", "run-abc", null)]
    [InlineData("ref", "MC:vv/Web@blake3:" + Grammars.Hex, "mc:vv/web@blake3:" + Grammars.Hex)]
    [InlineData("ref", "mc:vv/web@blake3:abcd", null)]
    [InlineData("urn", "urn:container:vv/web", "urn:container:vv/web")]
    [InlineData("urn", "urn:web", null)]
    [InlineData("slug", "Conceição & Filhos, Lda.", "conceicao_filhos_lda")]
    [InlineData("slug", "acme_corp", "acme_corp")]
    public void Names(string normaliser, string text, string? name) => Assert.Equal(name, Read(normaliser, text));

    private static object? Read(string normaliser, string text, string? country = null) =>
        Normaliser.All[normaliser].Read(new Written(text, Quoted: false), new ReadingContext([], country));
}
