namespace LogLine.Api;

/// <summary>
/// Secrets as files, as orchestrators mount them: each file of the folder that <c>LOGLINE_SECRETS</c> names is a setting, its name with <c>__</c> between the parts
/// (<c>ConnectionStrings__Ledger</c>). They go before the environment, so that nothing secret has to be in it.
/// </summary>
internal static class SecretFolder
{
    /// <summary>Reads them, when the variable is set.</summary>
    public static void AddSecretFiles(this WebApplicationBuilder builder)
    {
        if (builder.Configuration["LOGLINE_SECRETS"] is not { Length: > 0 } folder)
        {
            return;
        }
        if (!Directory.Exists(folder))
        {
            throw new Ledger.DataFolderException($"LOGLINE_SECRETS names {folder}, which is no folder.");
        }
        builder.Configuration.AddKeyPerFile(Path.GetFullPath(folder), optional: false);
    }
}
