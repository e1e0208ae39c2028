using LogLine.Protocol.Tdln;
using static LogLine.Protocol.Tests.Tdln.Grammars;

namespace LogLine.Protocol.Tests.Tdln;

/// <summary>Sentence, canonical span, hash: what a client may rely on. A row that changes is a change of the contract with everybody who stored a hash.</summary>
public sealed class GoldenTests
{
    public static TheoryData<string, string, string> Rows => new()
    {
        {
            "Quero cadastrar pessoa Joana Maria Silva, email Joana@EX.com, país Portugal, consent ok",
            """{"intent":"registry.person.create","payload":{"consent":true,"country":"PT","email":"joana@ex.com","name":"Joana Maria Silva"},"subject":"urn:registry:person/joana_m_silva"}""",
            "blake3:809569b70343701c8d6f3f8a5c4ee08514c8af83bac949170accabb73b742364"
        },
        {
            "create person John Doe",
            """{"intent":"registry.person.create","payload":{"name":"John Doe"},"subject":"urn:registry:person/john_doe"}""",
            "blake3:c4ff922730a5a7c1d3a936514d2ce471ebc13e27c5ea59ecf2f60063f5535c8a"
        },
        {
            $"deploy {Ref} to railway project rw1 service web",
            $$$"""{"intent":"deploy.apply","payload":{"ref":"{{{Ref}}}","target":{"project_id":"rw1","provider":"railway","service":"web"}},"subject":"urn:minicontainer:vv/web"}""",
            "blake3:5d2761e9d4372368afdc32ee0da0ea3d8b96f0d72f42a9734cf11aa8a67b49f9"
        },
        {
            $"subir {Ref} para podman serviço web",
            $$$"""{"intent":"deploy.apply","payload":{"ref":"{{{Ref}}}","target":{"provider":"podman","service":"web"}},"subject":"urn:minicontainer:vv/web"}""",
            "blake3:897f107714aace63097774efe27add941c0875c6b598c2b4855a2a31f4a9ecc4"
        },
        {
            $"please deploy {Ref} on kubernetes in namespace prod as service web, thanks",
            $$$"""{"intent":"deploy.apply","payload":{"ref":"{{{Ref}}}","target":{"namespace":"prod","provider":"kubernetes","service":"web"}},"subject":"urn:minicontainer:vv/web"}""",
            "blake3:5fe967e5ebcce3b8cef712b31f2e9f25c3bd4aa73756e8694f398d91a82e49fe"
        },
        {
            $"deploy.apply ref: {Ref} provider=docker service: web",
            $$$"""{"intent":"deploy.apply","payload":{"ref":"{{{Ref}}}","target":{"provider":"docker","service":"web"}},"subject":"urn:minicontainer:vv/web"}""",
            "blake3:29434260232ddb636f51b815731af731ee3329d6096b9e9fb35c50a1d41307c3"
        },
        {
            "deploy to railway service web",
            """{"intent":"deploy.apply","payload":{"target":{"provider":"railway","service":"web"}}}""",
            "blake3:21a4e8b8a35d42bfb422206128c69748b5974aa50fe76931fcb7cc56bd108d57"
        },
        { "aplicar manifesto nome web", """{"intent":"minicontainer.apply","payload":{},"subject":"urn:minicontainer:vv/web"}""", "blake3:3f8920a83ec6b96fc35556b1006d1911b789e128b7d48680578367549aa94bac" },
        { "parar run_01jd0g6q2x", """{"intent":"run.cancel","payload":{"run_id":"run_01jd0g6q2x"}}""", "blake3:b0297ee1d908743778f24eefbc994c13fb3ee33107b0cc2bdf535451a8a414b1" },
        {
            "parar container web destino podman",
            """{"intent":"container.stop","payload":{"name":"web","target":{"provider":"podman"}},"subject":"urn:container:vv/web"}""",
            "blake3:60383e5f55f2eb06b5b9bd8153d3c511a50a6630b765482c0a8fdc1a448bca26"
        },
        {
            "revogar chave kid_Sign_1 motivo perdida no táxi",
            """{"intent":"wallet.key.revoke","payload":{"kid":"kid_Sign_1","reason":"perdida no táxi"},"subject":"urn:wallet:vv"}""",
            "blake3:0ab85b95758cef2bfd5b3f4e12e383d523b7181bb7c4e8669c22857b2030b439"
        },
        {
            "create person \"John Country Doe\", email = JOHN@x.com; country: usa; consent no; phone (212) 555-0100; born 17/11/1990",
            """{"intent":"registry.person.create","payload":{"birth_date":"1990-11-17","consent":false,"country":"US","email":"john@x.com","name":"John Country Doe","phone":"+12125550100"},"subject":"urn:registry:person/john_c_doe"}""",
            "blake3:1833945754be0266ca5da0d3bcc54b307721d8df808ac0e1d982b9d37ccd254b"
        },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void Sentence_GivesItsSpanAndHash(string sentence, string span, string hash)
    {
        var compiled = Compiled(sentence);
        Assert.Equal(span, compiled.Json());
        Assert.Equal(hash, compiled.Hash);
        Assert.Empty(compiled.Faults);
    }
}
