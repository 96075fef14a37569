"""The codes by which documents name a country: three letters of ISO 3166-1, and those that ICAO Doc 9303 part 3, section 5 adds to them.

- A code that is none of these is not refused for that alone: countries come and go. It is a warning, so that a person looks again; a camera
  that reads one is not sure of it, for no check digit covers an issuer or a nationality.
- Where a document's code is not ISO 3166's, the standard's own are: Germany's D, five kinds of British nationals beside GBR, the United
  Nations and other organisations, the European Union, Kosovo, stateless persons and refugees (XXA, XXB, XXC, XXX), and UTO, the invented country
  of the standard's examples.

>>> is_country_code("VNM"), is_country_code("D<<"), is_country_code("PXL")
(True, True, False)
"""

from __future__ import annotations

from typing import Final

_ISO_3166: Final = """
    ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH BLM BLR
    BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB CUW CXR CYM CYP
    CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB GIN GLP GMB
    GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA JAM JEY JOR JPN
    KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA MDG MDV MEX MHL MKD
    MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR NPL NRU NZL OMN PAK PAN
    PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU SDN SEN SGP SGS SHN SJM SLB SLE SLV SMR SOM
    SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON TTO TUN TUR TUV TWN TZA UGA UKR
    UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE
"""
_DOC_9303: Final = "D EUE GBD GBN GBO GBP GBS RKS UNA UNK UNO UTO XBA XCC XCE XCO XDC XEC XES XIM XMP XOM XPO XXA XXB XXC XXX"
COUNTRY_CODES: Final = frozenset((_ISO_3166 + _DOC_9303).split())


def is_country_code(text: str) -> bool:
    """Tell whether a zone's three signs, fillers at their end, are a code known to name a country or to stand in its place."""
    return text.rstrip("<") in COUNTRY_CODES
