namespace LogLine.Api.Tenants;

/// <summary>How many of a kind there may be at a time: of all tenants, and of one.</summary>
internal abstract class TenantSeats(int most, int mostOfTenant)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _byTenant = [];
    private int _taken;

    /// <summary>A seat, to be given back; null when there is none.</summary>
    public IDisposable? Take(string tenant)
    {
        lock (_lock)
        {
            var own = _byTenant.GetValueOrDefault(tenant);
            if (_taken >= most || own >= mostOfTenant)
            {
                return null;
            }
            _taken++;
            _byTenant[tenant] = own + 1;
        }
        return new Seat(this, tenant);
    }

    private void GiveBack(string tenant)
    {
        lock (_lock)
        {
            _taken--;
            if (--_byTenant[tenant] == 0)
            {
                _byTenant.Remove(tenant);
            }
        }
    }

    private sealed class Seat(TenantSeats seats, string tenant) : IDisposable
    {
        public void Dispose() => seats.GiveBack(tenant);
    }
}
