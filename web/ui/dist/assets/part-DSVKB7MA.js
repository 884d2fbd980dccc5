import{a as be}from"./part-IQAWRL5U.js";import{b as fe}from"./part-VOD7HG7W.js";import{a as W,d as ue,e as U,f as ee,h as q,l as D,s as F,t as h,u as te,v as me,w as k,x as T,z as pe}from"./part-YIEUKK25.js";import{A as f,D as he,E as $e,b as o,c as g,d as B,e as L,l as de,m as b,n as P,p as x,s as H,t as Y,u as S,v as ce,w,y}from"./part-K4XTX4UC.js";var Ee={solid:"on",off:"off",blink:"blinking",pulse:"pulsing"},Ie=["red","green","blue","amber","yellow","white","orange"],j=[{ms:1e4,name:"Hold 10 s",does:"Shows the claim code on the console while the box has no owner"},{ms:3e3,name:"Hold 3 s",does:"Stops cleanly and makes the disk safe to unplug"},{ms:0,name:"Press",does:"Keeps the last 5 minutes of every camera"}],se=e=>j.find(t=>e>=t.ms)??j[j.length-1];function ye(){let e=b.value.board;return o`<section class="card board" aria-labelledby="board-h"><h2 id="board-h">Board</h2>
    <div class="board-face">
      <ul class="leds">${(e.leds??[]).map(t=>o`<${Pe} key=${t.name} l=${t} />`)}</ul>
      <${je} />
      <${Fe} />
      ${(e.buttons??[]).map(t=>e.board==="sim"?o`<${Oe} key=${t.name} b=${t} />`:o`<${Le} key=${t.name} b=${t} />`)}
      ${!e.leds?.length&&!e.buttons?.length&&o`<p class="muted">This board reports no lights and no buttons.</p>`}
    </div>
  </section>`}var ke=()=>o`<dl class="press-does">${[...j].reverse().map(e=>o`<div key=${e.ms}><dt>${e.name}</dt><dd>${e.does}</dd></div>`)}</dl>`;function Le({b:e}){return o`<div class="press-ways"><p class="press-says"><b>${e.label||e.name}</b></p><${ke} /></div>`}function Pe({l:e}){let t=Ie.includes((e.color??"").toLowerCase())?e.color.toLowerCase():"white",s=e.on===!1&&e.pattern==="solid"?"off":e.pattern;return o`<li class="led" data-testid="led-${e.name}" data-pattern=${s}>
    <span class="led-lens led-${t} led-p-${s}" aria-hidden="true"></span>
    <span><b>${e.label||e.name}</b><small>${Ee[s]??s}</small></span>
  </li>`}function Fe(){let e=b.value.board.temperatures??[];return e.length===0?null:o`<p class="muted small" data-testid="temperatures">${e.map(t=>`${t.name} ${t.celsius} °C`).join(" · ")}</p>`}function je(){let e=b.value.board.watchdog;if(!e)return null;let t=Math.max(0,e.left_s-(w.value?0:(H.value-b.value.boardAt)/1e3)),s=e.timeout_s>0?Math.min(1,t/e.timeout_s):0,a=2*Math.PI*17;return o`<div class="dog" data-testid="watchdog">
    <svg width="44" height="44" viewBox="0 0 44 44" aria-hidden="true"><circle class="dog-track" cx="22" cy="22" r="17" /><circle class="dog-left ${s<.34?"is-low":""}" cx="22" cy="22" r="17"
      stroke-dasharray=${a} stroke-dashoffset=${a*(1-s)} /></svg>
    <span><b>Watchdog</b><small>${Math.ceil(t)} s of ${e.timeout_s} s left${e.resets!==void 0?`, ${e.resets} ${e.resets===1?"reset":"resets"}`:""}</small></span>
  </div>`}function ge(e,t){if(!be.send("board.press",{button:e.name,ms:Math.round(t)})){y("error","Not connected: the button was not pressed.");return}y("info",`${e.label||e.name}: ${se(t).name.toLowerCase()}. ${se(t).does}.`)}function Oe({b:e}){let[t,s]=g(null),a=L(0),n=L(0);B(()=>()=>clearInterval(n.current),[]);let i=()=>{a.current||w.value||(a.current=performance.now(),s(0),n.current=window.setInterval(()=>s(performance.now()-a.current),50))},l=c=>{if(!a.current)return;let E=performance.now()-a.current;a.current=0,clearInterval(n.current),s(null),c&&ge(e,Math.max(100,E))},u=c=>{c.key!==" "&&c.key!=="Enter"||(c.preventDefault(),c.type==="keydown"&&!c.repeat&&i(),c.type==="keyup"&&l(!0))},$=c=>{c.button===0&&(c.currentTarget.setPointerCapture(c.pointerId),i())},m=2*Math.PI*34;return o`<div class="press">
    <button type="button" class="press-cap ${t!==null?"is-down":""}" disabled=${w.value} data-testid="board-button-${e.name}"
      aria-label="${e.label||e.name}: press, or hold 3 or 10 seconds" onKeyDown=${u} onKeyUp=${u} onBlur=${()=>l(!1)}
      onPointerDown=${$} onPointerUp=${()=>l(!0)} onPointerCancel=${()=>l(!1)} onContextMenu=${c=>c.preventDefault()}>
      <svg viewBox="0 0 76 76" aria-hidden="true"><circle class="press-track" cx="38" cy="38" r="34" /><circle class="press-held" cx="38" cy="38" r="34"
        stroke-dasharray=${m} stroke-dashoffset=${m*(1-Math.min(1,(t??0)/1e4))} /></svg>
      <span>${t===null?e.label||e.name:`${(t/1e3).toFixed(1)} s`}</span>
    </button>
    <div class="press-ways">
      <p class="press-says" role="status">${t===null?"Press and hold as on the box, or choose:":`Let go: ${se(t).does.toLowerCase()}`}</p>
      <div class="press-row">${[...j].reverse().map(c=>o`<button type="button" key=${c.ms} class="button small" disabled=${w.value} title=${c.does}
        onClick=${()=>ge(e,c.ms||100)} data-testid="board-${e.name}-${c.ms}">${c.name}</button>`)}</div>
      <${ke} />
    </div>
  </div>`}var K=[{key:"floor_bytes",label:"Floor"},{key:"high_bytes",label:"High mark"},{key:"reserve_bytes",label:"Reserve"},{key:"cap_bytes",label:"Cap"}],G=[{key:"age_hours",label:"Deleted after"},{key:"quota_bytes",label:"Quota"},{key:"keep_hours",label:"Kept at least"}],O=1e9,we=e=>String(Math.round(e*1e3)/1e3),ae=e=>e.endsWith("_bytes")?"GB":"days";function V(e,t){return t==null?"":e.endsWith("_bytes")?t<O?`${we(t/1e6)} MB`:we(t/O):t%24===0?String(t/24):`${t} h`}function Ve(e,t){let s=t.trim().toLowerCase().replace(",",".");if(s==="")return null;let a=/^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(s);if(!a)return NaN;let n=Number(a[1]);if(e.endsWith("_bytes"))return Math.round(n*({"":O,gb:O,mb:1e6,tb:1e12}[a[2]]??NaN));let i=n*({"":24,d:24,day:24,days:24,h:1,hour:1,hours:1}[a[2]]??NaN);return Math.abs(i-Math.round(i))<1e-6?Math.round(i):NaN}function Z(e){let t={};for(let[s,a]of Object.entries(e.volumes??{}))for(let n of K)t[`volumes.${s}.${n.key}`]=V(n.key,a[n.key]);for(let[s,a]of Object.entries(e.cameras??{}))for(let n of G)t[`cameras.${s}.${n.key}`]=V(n.key,a[n.key]);return t}function ve(e,t){let s={},a=(i,l,u)=>{let $=e[`${i}.${l}`]??"";if($===V(l,u))return u??null;let m=Ve(l,$);return Number.isNaN(m)&&(s[`${i}.${l}`]=l.endsWith("_bytes")?"A number of GB, or with MB or TB.":"A number of days, or of whole hours with h."),m},n={volumes:{},cameras:{}};for(let[i,l]of Object.entries(t.volumes??{}))n.volumes[i]=Object.fromEntries(K.map(u=>[u.key,a(`volumes.${i}`,u.key,l[u.key])]));for(let[i,l]of Object.entries(t.cameras??{}))n.cameras[i]=Object.fromEntries(G.map(u=>[u.key,a(`cameras.${i}`,u.key,l[u.key])]));return{set:n,errors:s}}function _e(e,t){let s=Object.keys(Z(e)),a=n=>n.slice(0,n.lastIndexOf("."));return s.some(n=>n===t||a(n)===t)?t:""}function xe(e,t,s){let a=e.in_force?.[t]?.[s];return a?a<O?V(s,a):`${V(s,a)} GB`:s==="cap_bytes"?"none":"by the disk"}var Ke={free_floor:"for free space",age:"by age",quota:"by quota",size_cap:"for the cap"};function Te(){let[e,t]=g(null),[s,a]=g({}),[n,i]=g({}),[l,u]=g(null),[$,m]=g(!1),c=P.value?.role==="admin";if(B(()=>{c&&U.get().then(r=>{t(r),a(Z(r))}).catch(()=>t(null))},[c]),!c||!e)return null;let E=Object.keys(e.volumes??{}),I=Object.keys(e.cameras??{}),_=async r=>{let{set:p,errors:R}=ve(s,e);if(i(R),u(null),Object.keys(R).length>0)return Re(Object.keys(R)[0]);m(!0);try{if(!r)return u(await U.preview(p));let C=await U.set(p);t(C),a(Z(C)),y("good","Applied: it is in force now.")}catch(C){let N=C instanceof W?C:null,X=N?.field?_e(e,N.field):"";N&&X?(i({[X]:N.message}),Re(X)):y("error",N?.message??"It could not be applied.")}finally{m(!1)}},z=r=>n[r]&&o`<p class="field-error" role="alert" id="${r}-error"><${f} name="warn" size=${14} />${n[r]}</p>`,ne=r=>n[r]?`${r}-error`:void 0,re=(r,p,R,C)=>o`<td data-label="${p}, ${ae(r)}" class=${n[r]?"field-bad":""}>
    <input id=${r} value=${s[r]??""} placeholder=${C} aria-label="${p} of ${R}, in ${ae(r)}" aria-invalid=${n[r]?"true":void 0}
      aria-describedby=${ne(r)} data-testid=${r} autocomplete="off"
      onInput=${N=>{a({...s,[r]:N.target.value}),u(null)}} />
    ${z(r)}</td>`,le=r=>S.value.find(p=>p.id===r),J=r=>le(r)?.name??r,ie=(r,p,R)=>o`<th scope="row" id=${r} tabIndex=${-1} aria-describedby=${ne(r)}>${p}${R&&o` <small class="muted">${R}</small>`}
    ${z(r)}</th>`;return o`<section class="card span2 retention" aria-labelledby="retention-h"><h2 id="retention-h">How long footage is kept</h2>
    <p class="muted small">Disks fill up, and then the oldest footage goes. An empty field means the default. Kept footage is never deleted.</p>
    <form onSubmit=${r=>{r.preventDefault(),_(!0)}} data-testid="retention">
      <div class="table-box"><table class="table stackable">
        <thead><tr><th scope="col">Disk</th>${K.map(r=>o`<th scope="col" key=${r.key}>${r.label} <small>GB</small></th>`)}</tr></thead>
        <tbody>${E.map(r=>o`<tr key=${r}>${ie(`volumes.${r}`,r,e.in_force?.[r]?"":"not there")}
          ${K.map(p=>re(`volumes.${r}.${p.key}`,p.label,r,xe(e,r,p.key)))}</tr>`)}</tbody>
      </table></div>
      ${I.length>0&&o`<div class="table-box"><table class="table stackable">
        <thead><tr><th scope="col">Camera</th><th scope="col">Deleted after <small>days</small></th><th scope="col">Quota <small>GB</small></th><th scope="col">Kept at least <small>days</small></th></tr></thead>
        <tbody>${I.map(r=>o`<tr key=${r}>${ie(`cameras.${r}`,J(r),le(r)?"":"removed; its footage is there")}
          ${G.map(p=>re(`cameras.${r}.${p.key}`,p.label,J(r),p.key==="age_hours"?"as the disk allows":"none"))}</tr>`)}</tbody>
      </table></div>`}
      <p class="press-row">
        <button type="button" class="button" disabled=${$||w.value} onClick=${()=>_(!1)} data-testid="retention-preview">Show what would go</button>
        <button type="submit" class="button primary" disabled=${$||w.value} data-testid="retention-apply">Apply</button></p>
    </form>
    ${l&&o`<${Ae} plan=${l} name=${J} />`}
  </section>`}function Ae({plan:e,name:t}){return o`<div role="status" data-testid="retention-plan">${e.map(s=>o`<div key=${s.volume}>
    <p><b>${s.volume}</b>: ${s.segments===0?"nothing would be deleted.":o`${k(s.segments,"file")}, ${h(s.bytes)}, would be deleted: ${Object.entries(s.bytes_by_rule??{}).filter(([,a])=>a>0).map(([a,n])=>`${h(n)} ${Ke[a]??a}`).join(", ")}.`}</p>
    <ul class="muted small">${Object.entries(s.oldest??{}).map(([a,n])=>o`<li key=${a}>${t(a)} ${s.segments>0?"would begin":"begins"} at ${D(Date.parse(n),x.value)}</li>`)}</ul>
  </div>`)}</div>`}function Re(e){setTimeout(()=>document.getElementById(e)?.focus())}var d=e=>e==null||typeof e=="object"?"":String(e),oe=e=>{let t=d(e.reason??e.state_reason);return t?T(t):""},A=e=>{let t=d(e.address).replace(/^\[(.*)\]:\d+$/,"$1").replace(/^([^:]+):\d+$/,"$1");return t?`from ${t}`:""},Q=e=>d(e.user)||"Somebody",M=e=>(t,s)=>({text:e(s),detail:oe(t)}),v=(e,t)=>{let s=Date.parse(d(e));return Number.isFinite(s)?q(s,t):""},ze={free_floor:["The disk reached its floor: the oldest footage is being deleted","The disk is above its floor again"],nothing_to_prune:["The disk is full and nothing on it may be deleted","There is footage again that may be deleted"],floor_unsatisfiable:["The disk is smaller than its floor","The floor fits the disk again"],prune_not_recovering_space:["Deleting footage does not free space","Deleting footage frees space again"],size_cap:["The disk holds as much footage as it may: the oldest is being deleted","Nothing is deleted for the cap any more"],locked_exceeds_cap:["Kept footage alone is more than the disk may hold","Kept footage fits under the cap again"],locked_exceeds_quota:["Kept footage alone is more than a camera may have","Kept footage fits under the quotas again"],evidence_fills_disk:["Kept footage leaves little room to record","Kept footage leaves room to record again"],delete_failed:["Footage could not be deleted","Footage can be deleted again"],disk_stats_unavailable:["The disk does not tell how full it is","The disk tells how full it is again"],reserve:["The disk is below its reserve: recording rests","The disk has room again"]},He={worn:"The disk is worn",failing:"The disk is failing",good:"The disk is well again",unknown:"The disk does not tell its wear any more"},Ce={evidence_hold:"the last 5 minutes are kept",stop:"the recorder stops cleanly",claim_code_shown:"the claim code is on the console",none:"nothing to do"},We={age:"as old as they may get",quota:"their camera has its share",size_cap:"the disk holds as much as it may",free_floor:"the oldest, for free space"},Ue={press:"pressed",hold:"held for 3 s",long:"held for 10 s",broken:"held far too long"},qe={watchdog_reset:()=>({text:"The watchdog restarted the machine: something had hung"}),disk_health:e=>({text:`${He[d(e.status)]??"The disk changed"}${d(e.volume)?` (${d(e.volume)})`:""}`,detail:d(e.reason)}),camera_recording:M(e=>`${e} records`),camera_live:M(e=>`${e} is live, not recorded`),camera_connecting:M(e=>`${e} is connecting`),camera_interrupted:M(e=>`${e} was interrupted`),camera_offline:M(e=>`${e} went offline`),camera_error:M(e=>`${e} has an error`),camera_disabled:M(e=>`${e} was switched off`),camera_added:(e,t)=>({text:`${d(e.name)||t} was added`}),camera_removed:(e,t)=>({text:`${d(e.name)||t} was removed`}),recording_gap:(e,t,s)=>({text:`${t} lost ${F(Number(e.seconds)*1e3||0)}: ${pe(d(e.reason))}`,detail:v(e.start,s)?`${v(e.start,s)} – ${v(e.end,s)}`:""}),auth_claimed:e=>({text:`${Q(e)} claimed this recorder`,detail:A(e)}),auth_login:e=>({text:`${Q(e)} signed in`,detail:A(e)}),auth_logout:e=>({text:`${Q(e)} signed out`,detail:A(e)}),auth_login_failed:e=>({text:d(e.user)?`A wrong password for ${Q(e)}`:"Somebody failed to sign in",detail:A(e)}),auth_login_throttled:e=>({text:"Too many failed attempts to sign in: slowed down",detail:A(e)}),system_started:e=>({text:"The recorder started",detail:d(e.version)&&`version ${d(e.version)}`}),system_stopped:()=>({text:"The recorder stopped cleanly"}),system_recovered:e=>({text:"The recorder put its footage in order after an unclean stop",detail:d(e.summary)}),volume_lost:e=>({text:`Disk ${d(e.volume)} was lost`,detail:oe(e)}),volume_absent:e=>({text:`Disk ${d(e.volume)} cannot be used`,detail:oe(e)}),volume_present:e=>({text:`Disk ${d(e.volume)} is there`}),volume_replaced:e=>({text:`Disk ${d(e.volume)} was replaced by another one`}),footage_restamped:(e,t,s)=>({text:"Footage from before the clock was set has its true time now",detail:typeof e.segments=="number"?`${k(e.segments,"file")}${v(e.from,s)?` from ${v(e.from,s)}`:""}`:""}),disk_pressure:e=>{let[t,s]=ze[d(e.reason)]??[`The disk: ${d(e.reason).replace(/_/g," ")}`,`The disk: ${d(e.reason).replace(/_/g," ")} is over`];return{text:e.cleared?s:t}},evidence_hold:(e,t,s)=>({text:v(e.from,s)?`Footage from ${v(e.from,s)} to ${v(e.to,s)} is kept as evidence`:"Footage is kept as evidence",detail:typeof e.segments=="number"?k(e.segments,"file")+" so far":""}),evidence_released:(e,t,s)=>({text:`Footage from ${v(e.from,s)} to ${v(e.to,s)} is not kept any more`,detail:d(e.by)&&`released by ${d(e.by)}`}),retention_changed:e=>({text:`${d(e.by)||"Somebody"} changed how much footage is kept`}),retention_delete:e=>({text:`${k(Number(e.deleted)||0,"file")} deleted: ${We[d(e.reason)]??d(e.reason).replace(/_/g," ")}`}),evidence_hold_failed:e=>({text:"Footage could not be kept as evidence",detail:d(e.error)}),button:e=>({text:`The button was ${Ue[d(e.gesture)]??"used"}${Ce[d(e.action)]?`: ${Ce[d(e.action)]}`:""}`,detail:d(e.error)})},Ne=e=>{let t=e.replace(/[._]+/g," ").trim();return t.charAt(0).toUpperCase()+t.slice(1)};function Se(e,t="",s="utc"){let a=e.payload??{},n=e.type==="camera_state"||e.type==="camera.state"?`camera_${d(a.state)}`:e.type,i=qe[n.replace(".","_")];if(i){let{text:m,detail:c=""}=i(a,t||"A camera",s);return{text:m,detail:c}}let u=d(a.message)||(t?`${t}: ${Ne(e.type).toLowerCase()}`:Ne(e.type)),$=Object.entries(a).filter(([m,c])=>m!=="message"&&d(c)).slice(0,4).map(([m,c])=>`${m.replace(/_/g," ")} ${d(c)}`).join(", ");return{text:u,detail:$}}function Pt(){let e=b.value;return o`<main id="main" class="screen status">
    <header class="screen-head"><h1 tabIndex=${-1}>Status</h1>
      <p class="muted" data-testid="about">${[e.board.name||e.system.board||e.board.board,e.system.version||e.version,e.system.uptime_s!==void 0?`up ${F(e.system.uptime_s*1e3)}`:""].filter(Boolean).join(" · ")}</p></header>
    <${Ze} />
    <div class="status-grid">
      <${ye} />
      <div class="status-side">
        <${Je} />
        <${st} />
      </div>
      <${at} />
      <${nt} />
      <${Te} />
      <${rt} />
    </div>
  </main>`}var Ge={recording:{good:!0,icon:"check",says:"Everything is in order"},starting:{icon:"clock",says:"Starting"},updating:{icon:"clock",says:"Updating"},degraded:{icon:"warn",says:"Something needs a look"},fault:{icon:"cross",says:"Something is wrong"},stopped:{icon:"cross",says:"Not recording"}};function Ze(){let e=b.value.board;if(!e.state)return null;let t=Ge[e.state]??{icon:"info",says:e.state},s=(e.reasons??[]).map(n=>T(n.replace(/^[a-z ]+: /,""))),a=t.good&&!ce.value.wanted?"In order, but no camera is to be recorded yet":t.says;return o`<div class="overall overall-${e.state}" role="status" data-testid="overall" data-state=${e.state}>
    <${f} name=${t.icon} /><b>${a}</b>
    ${s.length>0&&o`<ul>${s.map(n=>o`<li key=${n}>${n}</li>`)}</ul>`}
  </div>`}function Qe(e){let t=L(null);if(e.write_bytes_per_s)return e.write_bytes_per_s;let s=S.value.reduce((i,l)=>i+(l.state==="recording"?l.bitrate_bps??0:0),0)/8;if(s>0)return s;let a=H.value;(!t.current||e.footage_bytes<t.current.bytes)&&(t.current={at:a,bytes:e.footage_bytes});let n=(a-t.current.at)/1e3;return n>20?(e.footage_bytes-t.current.bytes)/n:0}function Je(){let e=b.value.system.volumes??[];return o`<section class="card" aria-labelledby="disk-h"><h2 id="disk-h">${e.length>1?"Disks":"Disk"}</h2>
    ${e.length===0&&o`<p class="muted">No footage disk.</p>`}
    ${e.map(t=>o`<${["absent","foreign"].includes(t.state)||!t.total_bytes?Xe:Ye} key=${t.name??t.id} v=${t} named=${e.length>1} />`)}
    ${b.value.system.promise_s?o`<p class="muted small">A power cut costs at most ${b.value.system.promise_s} s of footage.</p>`:null}
  </section>`}var De={ok:"In order",healthy:"In order",recording:"In order",full:"Full",pressure:"Too full",failed:"Failed",readonly:"Read only",read_only:"Read only",absent:"Not there",foreign:"Another disk"},Me=(e,t)=>t&&e.name?o`<b class="disk-name">${e.name}</b> `:null;function Xe({v:e,named:t}){let[s,a]=g(!1),n=async()=>{a(!0);try{await ue.adopt(e.name??"",e.other??""),y("good","The disk is being taken in use.")}catch(i){y("error",i.message)}finally{a(!1)}};return o`<div class="disk" data-testid="disk-${e.name??e.id}">
    <p class="disk-head">${Me(e,t)}<span class="mono">${e.path??""}</span>
      <span class="tag tag-bad"><${f} name="warn" size=${14} />${De[e.state]??e.state}</span></p>
    ${e.reason&&o`<p class="disk-says bad">${T(e.reason)}</p>`}
    ${e.state==="foreign"&&e.other&&P.value?.role==="admin"&&o`<p><button class="button" type="button" disabled=${s||w.value} onClick=${n} data-testid="adopt-${e.name}">Use this disk</button>
      <span class="muted small"> Its footage stays and is shown; new footage goes to it.</span></p>`}
  </div>`}function Ye({v:e,named:t}){let s=Qe(e),a=e.days_left||de(e,s),n=Math.max(1,e.total_bytes),i=_=>Math.min(100,Math.max(0,_/n*100)),l=e.total_bytes-e.free_bytes,u=Math.min(e.held_bytes,e.footage_bytes),$=Math.max(0,l-e.footage_bytes),m=e.free_bytes<e.reserve_bytes?"reserve":e.free_bytes<e.floor_bytes?"floor":"",c=["ok","healthy","recording","open","in order"].includes(e.state||"ok"),E=[{k:"other",w:i($)},{k:"held",w:i(u)},{k:"footage",w:i(e.footage_bytes-u)}],I=0;return o`<div class="disk" data-testid="disk-${e.id}">
    <p class="disk-head">${Me(e,t)}<b>${h(e.free_bytes)} free</b> of ${h(e.total_bytes)} <span class="tag">${e.medium&&e.medium!=="unknown"?e.medium.toUpperCase():"Disk"}</span>
      <span class="tag ${c?"tag-good":"tag-bad"}"><${f} name=${c?"check":"warn"} size=${14} />${De[e.state]??e.state??"In order"}</span></p>
    <svg class="disk-bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${h(e.footage_bytes)} footage, ${h(u)} of it held, ${h($)} other, ${h(e.free_bytes)} free">
      <rect class="bar-free" x="0" y="0" width="100" height="10" />
      ${E.map(_=>{let z=I;return I+=_.w,o`<rect key=${_.k} class="bar-${_.k}" x=${z} y="0" width=${_.w} height="10" />`})}
      <rect class="bar-line bar-high" x=${100-i(e.high_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-floor" x=${100-i(e.floor_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-reserve" x=${Math.min(99.6,100-i(e.reserve_bytes))} y="0" width="0.4" height="10" />
    </svg>
    <ul class="legend">
      <li><i class="key key-footage"></i>Footage <b>${h(e.footage_bytes-u)}</b></li>
      ${u>0&&o`<li><i class="key key-held"></i>Held <b>${h(u)}</b></li>`}
      <li><i class="key key-other"></i>Other <b>${h($)}</b></li>
      <li><i class="key key-high"></i>High mark <b>${h(e.high_bytes)}</b></li>
      <li><i class="key key-floor"></i>Floor <b>${h(e.floor_bytes)}</b></li>
      <li><i class="key key-reserve"></i>Reserve <b>${h(e.reserve_bytes)}</b></li>
    </ul>
    ${e.state==="failed"&&e.reason&&o`<p class="disk-says bad">${T(e.reason)}</p>`}
    <p class="disk-says ${m?"bad":""}">${m==="reserve"?o`<${f} name="warn" size=${16} /> Below the reserve: recording on this disk has stopped.`:m==="floor"?o`<${f} name="warn" size=${16} /> Below the floor: the oldest footage is being deleted now.`:a===null?"How long footage is kept shows once the write rate is known.":o`Keeps <b>about ${Be(a)}</b> at ${te(s*8)}.`}</p>
    <${et} v=${e} />
  </div>`}function et({v:e}){let t=e.wear;if(!t)return null;let s=t.status==="worn"||t.status==="failing",a=t.years_left;return o`<p class="disk-says ${s?"bad":""}" data-testid="wear-${e.id}" data-status=${t.status}>
    ${s&&o`<${f} name="warn" size=${16} /> `}${t.status==="unknown"?`Wear not known: ${t.reason??"the disk does not tell"}.`:t.status==="good"?`The disk says it is well${t.used_percent===void 0?"":`: ${t.used_percent} % of its life is used`}.`:T(t.reason??"The disk is worn")}
    ${a!==void 0&&o` Lasts <b>about ${a>=100?"a lifetime":a<1?k(Math.max(1,Math.round(a*12)),"month"):k(Math.round(a),"year")}</b>${t.estimated?", as such disks usually do":""}.`}
  </p>`}function Be(e){return e<1?k(Math.max(1,Math.round(e*24)),"hour"):e<10?`${e.toFixed(1)} days`:k(Math.round(e),"day")}var tt={ntp:"network time",rtc:"the battery clock",network:"network time",sntp:"network time",system:"the operating system",kernel:"the operating system",simulated:"the computer it runs on"};function st(){let e=b.value,t=e.system.clock,s=x.value,a=Math.abs(e.skew);return o`<section class="card clockcard" aria-labelledby="clock-h"><h2 id="clock-h">Clock</h2>
    <p class="clock-big mono">${q(Y.value,s)} <small>${s==="utc"?"UTC":"local"}</small></p>
    <p class=${t?.trusted===!1?"bad":""}><${f} name=${t?.trusted===!1?"warn":"check"} size=${16} />
      ${t===void 0?" Not known":t.trusted?` Trusted${t.source?`, set by ${tt[t.source]??t.source}`:""}`:" Not trusted yet: footage is kept and stamped again once it is."}</p>
    ${a>5e3&&o`<p class="warnline"><${f} name="warn" size=${16} /> ${F(a)} ${e.skew>0?"ahead of":"behind"} this device.</p>`}
  </section>`}function at(){let e=S.value;return o`<section class="card span2" aria-labelledby="cams-h"><h2 id="cams-h">Cameras</h2>
    ${e.length===0?o`<p class="muted">None yet.</p>`:o`<div class="table-box"><table class="table stackable">
      <thead><tr><th scope="col">Camera</th><th scope="col">State</th><th scope="col">Last written</th><th scope="col">Rate</th><th scope="col">Reaches back</th><th scope="col">Drops</th></tr></thead>
      <tbody>${e.map(t=>o`<${ot} key=${t.id} c=${t} />`)}</tbody>
    </table></div>`}
  </section>`}function ot({c:e}){let t=e.last_written?Date.parse(e.last_written):NaN,s=Y.value-t,a=Math.max(0,...(b.value.system.volumes??[]).map(i=>i.camera_days?.[e.id]??0)),n=e.state==="recording"&&s>15e3;return o`<tr data-testid="status-camera-${e.id}">
    <th scope="row"><a href="#/cameras/${encodeURIComponent(e.id)}">${e.name}</a></th>
    <td data-label="State"><${$e} state=${e.state} />${e.state_reason&&e.state!=="recording"&&o`<small class="why">${T(e.state_reason)}</small>`}</td>
    <td data-label="Last written" class=${n?"bad":""}>${Number.isFinite(t)?o`${n&&o`<${f} name="warn" size=${14} /> `}${me(s)}`:o`<span class="muted">never</span>`}</td>
    <td data-label="Rate" class="mono">${e.bitrate_bps&&he(e)?te(e.bitrate_bps):"–"}</td>
    <td data-label="Reaches back" class="mono">${a>0?Be(a):"–"}</td>
    <td data-label="Drops" class="mono ${e.drops?"warnline":""}">${e.drops??0}</td>
  </tr>`}function nt(){let[e,t]=g([]),s=fe(),a=()=>ee.list().then(l=>t(l.reverse())).catch(()=>t([]));B(()=>{a()},[s]);let n=async l=>{try{await ee.release(l.id),y("good","Released: it is deleted when its time comes.")}catch(u){y("error",u instanceof W?u.message:"It could not be released.")}a()};if(e.length===0)return null;let i=["admin","manager"].includes(P.value?.role??"");return o`<section class="card span2" aria-labelledby="kept-h"><h2 id="kept-h">Kept footage</h2>
    <div class="table-box"><table class="table stackable" data-testid="kept">
      <thead><tr><th scope="col">Cameras</th><th scope="col">From</th><th scope="col">To</th><th scope="col">By</th>${i&&o`<th scope="col"><span class="sr">Release</span></th>`}</tr></thead>
      <tbody>${e.slice(0,100).map(l=>o`<tr key=${l.id} data-testid="kept-${l.id}">
        <th scope="row">${(l.cameras??[]).map(u=>S.value.find($=>$.id===u)?.name??u).join(", ")}</th>
        <td data-label="From" class="mono">${D(Date.parse(l.from),x.value)}</td>
        <td data-label="To" class="mono">${D(Date.parse(l.to),x.value)}</td>
        <td data-label="By">${l.by}${l.reason&&o` <small>${l.reason}</small>`}${l.until&&o` <small>until ${D(Date.parse(l.until),x.value)}</small>`}</td>
        ${i&&o`<td><button type="button" class="button" onClick=${()=>n(l)} data-testid="release-${l.id}">Release</button></td>`}
      </tr>`)}</tbody>
    </table></div>
  </section>`}function rt(){let e=b.value.events;return o`<section class="card span2" aria-labelledby="events-h"><h2 id="events-h">What happened</h2>
    ${e.length===0?o`<p class="muted">Nothing yet.</p>`:o`<ol class="events" data-testid="events">${e.slice(0,100).map(t=>o`<${lt} key=${t.seq} e=${t} />`)}</ol>`}
  </section>`}function lt({e}){let t=S.value.find(n=>n.id===e.camera)?.name??e.camera,s=e.severity==="critical"?"cross":e.severity==="warning"?"warn":"info",a=Se(e,t,x.value);return o`<li class="event event-${e.severity}">
    <${f} name=${s} size=${16} /><span class="sr">${e.severity}: </span>
    <time class="mono" dateTime=${e.time}>${D(Date.parse(e.time),x.value)}</time>
    <span class="event-text">${a.text}${a.detail&&o` <small>${a.detail}</small>`}</span>
  </li>`}export{Pt as StatusScreen};
