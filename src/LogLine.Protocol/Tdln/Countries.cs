using System.Collections.Frozen;
using System.Text;

namespace LogLine.Protocol.Tdln;

/// <summary>
/// ISO 3166-1: alpha-2 codes from codes and names, Portuguese and English. The table is here and not asked of the platform, whose names
/// change with the version of its data: the same text must give the same span everywhere.
/// </summary>
internal static class Countries
{
    private static readonly FrozenDictionary<string, string> Codes = Read();

    /// <summary>
    /// The alpha-2 code of a code (alpha-2, alpha-3) or name; case, diacritics, dots and a leading article do not matter. Null for what is no
    /// country, or several ("Korea").
    /// </summary>
    public static string? Find(string text)
    {
        var key = Key(text);
        return Codes.TryGetValue(key, out var code) ? code : Codes.GetValueOrDefault(WithoutArticle(key));
    }

    /// <summary>Number of countries in the table.</summary>
    public static int Count => Codes.Values.Distinct().Count();

    private static string WithoutArticle(string key)
    {
        var space = key.IndexOf(' ');
        return space > 0 && key[..space] is "the" or "o" or "a" or "os" or "as" ? key[(space + 1)..] : key;
    }

    private static string Key(string text)
    {
        var key = new StringBuilder(text.Length);
        foreach (var c in Folding.Fold(text))
        {
            if (char.IsLetterOrDigit(c))
            {
                key.Append(c);
            }
            else if (c is not ('.' or '\'' or '’' or '‘') && key.Length > 0 && key[^1] != ' ')
            {
                key.Append(' ');
            }
        }
        return key.ToString().TrimEnd();
    }

    private static FrozenDictionary<string, string> Read()
    {
        var codes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in Table.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var code = line[..2];
            codes.Add(Key(code), code);
            codes.Add(Key(line[3..6]), code);
            foreach (var name in line[7..].Split('|'))
            {
                // A name that two languages share stands once; one of two countries would be a mistake in the table.
                if (!codes.TryAdd(Key(name), code) && codes[Key(name)] != code)
                {
                    throw new FormatException($"'{name}' names two countries.");
                }
            }
        }
        codes.Add("uk", "GB");
        return codes.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Alpha-2, alpha-3, names: English first, then Portuguese of Portugal and Brazil.</summary>
    private const string Table = """
        AD AND Andorra
        AE ARE United Arab Emirates|UAE|Emirados Árabes Unidos|EAU|Emirados
        AF AFG Afghanistan|Afeganistão
        AG ATG Antigua and Barbuda|Antígua e Barbuda
        AI AIA Anguilla|Anguila
        AL ALB Albania|Albânia
        AM ARM Armenia|Armênia
        AO AGO Angola
        AQ ATA Antarctica|Antártica|Antártida
        AR ARG Argentina
        AS ASM American Samoa|Samoa Americana
        AT AUT Austria|Áustria
        AU AUS Australia|Austrália
        AW ABW Aruba
        AX ALA Åland Islands|Åland|Ilhas Åland|Alanda
        AZ AZE Azerbaijan|Azerbaijão
        BA BIH Bosnia and Herzegovina|Bosnia|Bósnia e Herzegovina|Bósnia-Herzegovina|Bósnia
        BB BRB Barbados
        BD BGD Bangladesh|Bangladeche
        BE BEL Belgium|Bélgica
        BF BFA Burkina Faso|Burquina Faso
        BG BGR Bulgaria|Bulgária
        BH BHR Bahrain|Bahrein|Barém|Bareine
        BI BDI Burundi
        BJ BEN Benin|Benim
        BL BLM Saint Barthélemy|St Barthélemy|São Bartolomeu
        BM BMU Bermuda|Bermudas
        BN BRN Brunei Darussalam|Brunei
        BO BOL Bolivia|Plurinational State of Bolivia|Bolívia
        BQ BES Bonaire, Sint Eustatius and Saba|Caribbean Netherlands|Bonaire|Países Baixos Caribenhos|Bonaire, Santo Eustáquio e Saba
        BR BRA Brazil|Brasil
        BS BHS Bahamas
        BT BTN Bhutan|Butão
        BV BVT Bouvet Island|Ilha Bouvet
        BW BWA Botswana|Botsuana
        BY BLR Belarus|Bielorrússia|Belarús
        BZ BLZ Belize
        CA CAN Canada|Canadá
        CC CCK Cocos (Keeling) Islands|Cocos Islands|Keeling Islands|Ilhas Cocos
        CD COD Democratic Republic of the Congo|DR Congo|DRC|Congo-Kinshasa|República Democrática do Congo|RDC|Congo-Quinxassa
        CF CAF Central African Republic|República Centro-Africana
        CG COG Congo|Republic of the Congo|Congo-Brazzaville|República do Congo
        CH CHE Switzerland|Suíça
        CI CIV Côte d'Ivoire|Ivory Coast|Costa do Marfim
        CK COK Cook Islands|Ilhas Cook
        CL CHL Chile
        CM CMR Cameroon|Camarões
        CN CHN China|People's Republic of China|República Popular da China
        CO COL Colombia|Colômbia
        CR CRI Costa Rica
        CU CUB Cuba
        CV CPV Cabo Verde|Cape Verde
        CW CUW Curaçao|Curaçau
        CX CXR Christmas Island|Ilha Christmas|Ilha do Natal
        CY CYP Cyprus|Chipre
        CZ CZE Czechia|Czech Republic|Chéquia|Tchéquia|República Checa|República Tcheca
        DE DEU Germany|Alemanha
        DJ DJI Djibouti|Djibuti|Jibuti
        DK DNK Denmark|Dinamarca
        DM DMA Dominica|Domínica
        DO DOM Dominican Republic|República Dominicana
        DZ DZA Algeria|Argélia
        EC ECU Ecuador|Equador
        EE EST Estonia|Estônia
        EG EGY Egypt|Egito|Egipto
        EH ESH Western Sahara|Saara Ocidental|Sara Ocidental
        ER ERI Eritrea|Eritreia
        ES ESP Spain|Espanha
        ET ETH Ethiopia|Etiópia
        FI FIN Finland|Finlândia
        FJ FJI Fiji
        FK FLK Falkland Islands|Falklands|Malvinas|Ilhas Malvinas|Ilhas Falkland
        FM FSM Micronesia|Federated States of Micronesia|Micronésia|Estados Federados da Micronésia
        FO FRO Faroe Islands|Faeroe Islands|Faroes|Ilhas Faroé|Ilhas Faroe|Ilhas Féroe
        FR FRA France|França
        GA GAB Gabon|Gabão
        GB GBR United Kingdom|Great Britain|Britain|England|Scotland|Wales|Northern Ireland|Reino Unido|Grã-Bretanha|Inglaterra|Escócia|País de Gales|Irlanda do Norte
        GD GRD Grenada|Granada
        GE GEO Georgia|Geórgia
        GF GUF French Guiana|Guiana Francesa
        GG GGY Guernsey
        GH GHA Ghana|Gana
        GI GIB Gibraltar
        GL GRL Greenland|Groenlândia|Gronelândia
        GM GMB Gambia|Gâmbia
        GN GIN Guinea|Guiné|Guinea-Conakry|Guiné-Conacri
        GP GLP Guadeloupe|Guadalupe
        GQ GNQ Equatorial Guinea|Guiné Equatorial
        GR GRC Greece|Grécia
        GS SGS South Georgia and the South Sandwich Islands|South Georgia|Ilhas Geórgia do Sul e Sandwich do Sul|Geórgia do Sul
        GT GTM Guatemala
        GU GUM Guam
        GW GNB Guinea-Bissau|Guiné-Bissau
        GY GUY Guyana|Guiana
        HK HKG Hong Kong
        HM HMD Heard Island and McDonald Islands|Ilha Heard e Ilhas McDonald
        HN HND Honduras
        HR HRV Croatia|Croácia
        HT HTI Haiti
        HU HUN Hungary|Hungria
        ID IDN Indonesia|Indonésia
        IE IRL Ireland|Republic of Ireland|Irlanda|República da Irlanda
        IL ISR Israel
        IM IMN Isle of Man|Ilha de Man
        IN IND India|Índia
        IO IOT British Indian Ocean Territory|Território Britânico do Oceano Índico
        IQ IRQ Iraq|Iraque
        IR IRN Iran|Islamic Republic of Iran|Irã|Irão
        IS ISL Iceland|Islândia
        IT ITA Italy|Itália
        JE JEY Jersey
        JM JAM Jamaica
        JO JOR Jordan|Jordânia
        JP JPN Japan|Japão
        KE KEN Kenya|Quênia
        KG KGZ Kyrgyzstan|Quirguistão|Quirguízia
        KH KHM Cambodia|Camboja
        KI KIR Kiribati|Quiribáti
        KM COM Comoros|Comores
        KN KNA Saint Kitts and Nevis|St Kitts and Nevis|São Cristóvão e Névis|São Cristóvão e Neves
        KP PRK North Korea|Democratic People's Republic of Korea|DPRK|Coreia do Norte
        KR KOR South Korea|Republic of Korea|Coreia do Sul|República da Coreia
        KW KWT Kuwait|Kuweit|Coveite
        KY CYM Cayman Islands|Ilhas Cayman|Ilhas Caimão|Ilhas Caimã
        KZ KAZ Kazakhstan|Cazaquistão
        LA LAO Laos|Lao People's Democratic Republic
        LB LBN Lebanon|Líbano
        LC LCA Saint Lucia|St Lucia|Santa Lúcia
        LI LIE Liechtenstein|Listenstaine
        LK LKA Sri Lanka
        LR LBR Liberia|Libéria
        LS LSO Lesotho|Lesoto
        LT LTU Lithuania|Lituânia
        LU LUX Luxembourg|Luxemburgo
        LV LVA Latvia|Letônia|Letónia
        LY LBY Libya|Líbia
        MA MAR Morocco|Marrocos
        MC MCO Monaco|Mônaco
        MD MDA Moldova|Republic of Moldova|Moldávia|Moldova
        ME MNE Montenegro
        MF MAF Saint Martin|St Martin|São Martinho
        MG MDG Madagascar
        MH MHL Marshall Islands|Ilhas Marshall
        MK MKD North Macedonia|Macedonia|Macedônia do Norte|Macedônia
        ML MLI Mali
        MM MMR Myanmar|Burma|Mianmar|Mianmá|Birmânia
        MN MNG Mongolia|Mongólia
        MO MAC Macao|Macau
        MP MNP Northern Mariana Islands|Ilhas Marianas do Norte|Marianas Setentrionais
        MQ MTQ Martinique|Martinica
        MR MRT Mauritania|Mauritânia
        MS MSR Montserrat|Monserrate
        MT MLT Malta
        MU MUS Mauritius|Maurícia|Maurício|Ilhas Maurício|Maurícias
        MV MDV Maldives|Maldivas
        MW MWI Malawi|Malaui|Maláui
        MX MEX Mexico|México
        MY MYS Malaysia|Malásia
        MZ MOZ Mozambique|Moçambique
        NA NAM Namibia|Namíbia
        NC NCL New Caledonia|Nova Caledônia
        NE NER Niger|Níger
        NF NFK Norfolk Island|Ilha Norfolk
        NG NGA Nigeria|Nigéria
        NI NIC Nicaragua|Nicarágua
        NL NLD Netherlands|Holland|Países Baixos|Holanda
        NO NOR Norway|Noruega
        NP NPL Nepal
        NR NRU Nauru
        NU NIU Niue
        NZ NZL New Zealand|Nova Zelândia
        OM OMN Oman|Omã
        PA PAN Panama|Panamá
        PE PER Peru
        PF PYF French Polynesia|Polinésia Francesa
        PG PNG Papua New Guinea|Papua-Nova Guiné|Papuásia-Nova Guiné
        PH PHL Philippines|Filipinas
        PK PAK Pakistan|Paquistão
        PL POL Poland|Polônia
        PM SPM Saint Pierre and Miquelon|St Pierre and Miquelon|São Pedro e Miquelão|Saint Pierre e Miquelon
        PN PCN Pitcairn|Pitcairn Islands|Ilhas Pitcairn
        PR PRI Puerto Rico|Porto Rico
        PS PSE Palestine|State of Palestine|Palestina
        PT PRT Portugal
        PW PLW Palau
        PY PRY Paraguay|Paraguai
        QA QAT Qatar|Catar
        RE REU Réunion|Reunião
        RO ROU Romania|Romênia
        RS SRB Serbia|Sérvia
        RU RUS Russia|Russian Federation|Rússia|Federação Russa
        RW RWA Rwanda|Ruanda
        SA SAU Saudi Arabia|Arábia Saudita
        SB SLB Solomon Islands|Ilhas Salomão
        SC SYC Seychelles|Seicheles|Ilhas Seychelles
        SD SDN Sudan|Sudão
        SE SWE Sweden|Suécia
        SG SGP Singapore|Singapura|Cingapura
        SH SHN Saint Helena, Ascension and Tristan da Cunha|Saint Helena|St Helena|Santa Helena
        SI SVN Slovenia|Eslovênia
        SJ SJM Svalbard and Jan Mayen|Svalbard|Svalbard e Jan Mayen
        SK SVK Slovakia|Eslováquia
        SL SLE Sierra Leone|Serra Leoa
        SM SMR San Marino|São Marino|São Marinho
        SN SEN Senegal
        SO SOM Somalia|Somália
        SR SUR Suriname
        SS SSD South Sudan|Sudão do Sul
        ST STP São Tomé and Príncipe|Sao Tome|São Tomé e Príncipe|São Tomé
        SV SLV El Salvador
        SX SXM Sint Maarten
        SY SYR Syria|Syrian Arab Republic|Síria
        SZ SWZ Eswatini|Swaziland|Essuatíni|Suazilândia
        TC TCA Turks and Caicos Islands|Turks and Caicos|Ilhas Turcas e Caicos|Turcas e Caicos
        TD TCD Chad|Chade|Tchad
        TF ATF French Southern Territories|Territórios Austrais Franceses|Terras Austrais Francesas
        TG TGO Togo
        TH THA Thailand|Tailândia
        TJ TJK Tajikistan|Tajiquistão|Tadjiquistão
        TK TKL Tokelau|Toquelau
        TL TLS Timor-Leste|East Timor|Timor
        TM TKM Turkmenistan|Turcomenistão|Turquemenistão
        TN TUN Tunisia|Tunísia
        TO TON Tonga
        TR TUR Türkiye|Turkey|Turquia
        TT TTO Trinidad and Tobago|Trinidad e Tobago|Trindade e Tobago
        TV TUV Tuvalu
        TW TWN Taiwan
        TZ TZA Tanzania|United Republic of Tanzania|Tanzânia
        UA UKR Ukraine|Ucrânia
        UG UGA Uganda
        UM UMI United States Minor Outlying Islands|Ilhas Menores Distantes dos Estados Unidos
        US USA United States|United States of America|Estados Unidos|Estados Unidos da América|EUA
        UY URY Uruguay|Uruguai
        UZ UZB Uzbekistan|Uzbequistão|Usbequistão
        VA VAT Holy See|Vatican|Vatican City|Santa Sé|Vaticano|Cidade do Vaticano
        VC VCT Saint Vincent and the Grenadines|St Vincent and the Grenadines|Saint Vincent|São Vicente e Granadinas
        VE VEN Venezuela|Bolivarian Republic of Venezuela
        VG VGB British Virgin Islands|Ilhas Virgens Britânicas
        VI VIR U.S. Virgin Islands|United States Virgin Islands|Ilhas Virgens Americanas
        VN VNM Vietnam|Viet Nam|Vietnã|Vietname
        VU VUT Vanuatu
        WF WLF Wallis and Futuna|Wallis e Futuna
        WS WSM Samoa
        YE YEM Yemen|Iêmen|Iémen
        YT MYT Mayotte|Maiote
        ZA ZAF South Africa|África do Sul
        ZM ZMB Zambia|Zâmbia
        ZW ZWE Zimbabwe|Zimbábue|Zimbabué
        """;
}
