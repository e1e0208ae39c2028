using LogLine.Fuzz.Campaigns;

return FuzzOptions.Parse(args) switch
{
    null => FuzzOptions.ShowUsage(),
    { Replay: { } file } => Replay.Run(file),
    var options => Campaign.Run(options, Console.Out),
};
